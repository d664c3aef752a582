using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Xkd.Ingest;

namespace Xkd.Testing;

/// <summary>A temporary folder of media made by ffmpeg's own generators. Missing ffmpeg fails the test with the command that installs it.</summary>
public sealed class MediaMaker : IDisposable
{
    public MediaMaker()
    {
        Tools = FfmpegTools.Locate();
        Root = Directory.CreateTempSubdirectory("xkd-ingest-").FullName;
    }

    public FfmpegTools Tools { get; }

    public string Root { get; }

    /// <summary>Files of miniature datasets by what is in them: several datasets of one maker share their encodes.</summary>
    internal Dictionary<string, string> Stock { get; } = new(StringComparer.Ordinal);

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Runs ffmpeg in the folder; the last argument is the file to make.</summary>
    public string Make(string arguments)
    {
        var file = this[arguments[(arguments.LastIndexOf(' ') + 1)..]];
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var start = new ProcessStartInfo(Tools.Ffmpeg, "-hide_banner -nostdin -v error -y " + arguments)
        {
            WorkingDirectory = Root,
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? file : throw new InvalidOperationException($"ffmpeg {arguments}: {error}");
    }

    /// <summary>A moving test picture with a tone.</summary>
    public string Clip(string name, double seconds = 2, string size = "160x120", int rate = 24, string extra = "-c:v libx264 -preset ultrafast -c:a aac") =>
        Make(string.Create(
            CultureInfo.InvariantCulture,
            $"-f lavfi -i testsrc2=size={size}:rate={rate}:duration={seconds} -f lavfi -i sine=frequency=440:sample_rate=44100:duration={seconds} {extra} {name}"));

    /// <summary>The first part of a file under another name.</summary>
    public string Cut(string file, string name, double part)
    {
        var bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(this[name], bytes[..(int)(bytes.Length * part)]);
        return this[name];
    }

    /// <summary>A file with some bytes in its middle changed, the same ones each time.</summary>
    public string Flip(string file, string name, int count)
    {
        var bytes = File.ReadAllBytes(file);
        var random = new Random(7);
        for (var i = 0; i < count; i++)
        {
            bytes[random.Next(bytes.Length / 4, bytes.Length / 2)] ^= 0x5A;
        }

        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    /// <summary>
    /// An MP4 whose first track asks to be shown turned clockwise. Written into the file, since ffmpeg's own way differs between its versions:
    /// from 6 on the <c>rotate</c> tag turns nothing and says nothing.
    /// </summary>
    public string Turn(string file, string name, int degrees)
    {
        var bytes = File.ReadAllBytes(file);
        var matrix = bytes.AsSpan(bytes.AsSpan().IndexOf("tkhd"u8) + 4 + 40); // ISO 14496-12: forty bytes of version 0, then nine numbers
        var (sine, cosine) = Math.SinCos(degrees * Math.PI / 180);
        double[] turn = [cosine, sine, 0, -sine, cosine];
        for (var i = 0; i < turn.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(matrix[(i * sizeof(int))..], (int)Math.Round(turn[i] * 65536));
        }

        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    /// <summary>A file whose second half is noise.</summary>
    public string Scramble(string file, string name)
    {
        var bytes = File.ReadAllBytes(file);
        new Random(11).NextBytes(bytes.AsSpan(bytes.Length / 2));
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
