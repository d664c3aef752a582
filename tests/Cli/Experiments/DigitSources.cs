using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Xkd.Cli.Tests.Experiments;

/// <summary>Folders in the layout of MNIST and of the Free Spoken Digit Dataset, with strokes for handwriting and tones for speech; deleted at the end.</summary>
public sealed class DigitSources : IDisposable
{
    private const int Side = 28, PerDigit = 3, Rate = 8000;

    public DigitSources()
    {
        Root = Directory.CreateTempSubdirectory("xkd-digits-").FullName;
        Directory.CreateDirectory(Mnist);
        Directory.CreateDirectory(Path.Combine(Fsdd, "recordings"));
        foreach ((var split, var shade) in new[] { ("train", 200), ("t10k", 255) })
        {
            Gzip($"{split}-images-idx3-ubyte.gz", [.. Head(0x803, 10 * PerDigit, Side, Side), .. Enumerable.Range(0, 10 * PerDigit).SelectMany(i => Stroke(i % 10, shade))]);
            Gzip($"{split}-labels-idx1-ubyte.gz", [.. Head(0x801, 10 * PerDigit), .. Enumerable.Range(0, 10 * PerDigit).Select(i => (byte)(i % 10))]);
        }

        foreach (var digit in Enumerable.Range(0, 10))
        {
            foreach (var take in Enumerable.Range(3, 4)) // two of the test split, two of the training split
            {
                File.WriteAllBytes(Path.Combine(Fsdd, "recordings", $"{digit}_ann_{take}.wav"), Wave(Rate, [.. Enumerable.Range(0, Rate / 3).Select(i => (short)(8000 * Math.Sin(i * 0.1 * (digit + 2))))]));
            }
        }
    }

    public string Root { get; }

    public string Mnist => Path.Combine(Root, "mnist");

    public string Fsdd => Path.Combine(Root, "fsdd");

    public static byte[] Wave(int rate, short[] samples)
    {
        var data = new byte[samples.Length * 2];
        Buffer.BlockCopy(samples, 0, data, 0, data.Length);
        using MemoryStream file = new();
        using BinaryWriter writer = new(file, Encoding.ASCII);
        writer.Write("RIFF"u8);
        writer.Write(36 + data.Length);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1);
        writer.Write((short)1);
        writer.Write(rate);
        writer.Write(rate * 2);
        writer.Write((short)2);
        writer.Write((short)16);
        writer.Write("data"u8);
        writer.Write(data.Length);
        writer.Write(data);
        writer.Flush();
        return file.ToArray();
    }

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static IEnumerable<byte> Stroke(int digit, int shade) =>
        Enumerable.Range(0, Side * Side).Select(p => (byte)(Math.Abs((p % Side) - 4 - (2 * digit)) < 2 && p / Side is > 3 and < 25 ? shade : 0));

    private static byte[] Head(params int[] numbers)
    {
        var head = new byte[4 * numbers.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(4 * i), numbers[i]);
        }

        return head;
    }

    private void Gzip(string name, byte[] content)
    {
        using GZipStream file = new(File.Create(Path.Combine(Mnist, name)), CompressionLevel.Fastest);
        file.Write(content);
    }
}
