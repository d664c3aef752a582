using System.Globalization;
using System.Text;

namespace Xkd.Testing;

/// <summary>
/// Lays a dataset's files out. A clip is encoded once for its classes, take and container and copied from then on: a dataset costs a handful of
/// encodes. Where classes are to be recognised, the first one sets the colour and the loudest tone, and each other one adds its own.
/// </summary>
internal sealed class MiniatureBuilder(MediaMaker media, string folder, MiniatureOptions options)
{
    private const int Takes = 2;
    private readonly Dictionary<string, int> _copies = new(StringComparer.Ordinal);

    public MiniatureOptions Options => options;

    public string Root => media[folder];

    public List<MiniatureClip> Clips { get; } = [];

    /// <summary>The first classes of the dataset's own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More are asked for than are named.</exception>
    public string[] Classes(params string[] names)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Classes, names.Length);
        return names[..options.Classes];
    }

    /// <summary>Puts a clip of these classes at a path below the root; its extension decides the container. Takes alternate.</summary>
    /// <param name="path">Relative to the root.</param>
    /// <param name="classes">Indices of its classes.</param>
    /// <param name="silent">No audio stream.</param>
    /// <param name="seconds">Length; null: <see cref="MiniatureOptions.Seconds"/>.</param>
    public void Media(string path, IReadOnlyList<int> classes, bool silent = false, double? seconds = null)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{string.Join('_', options.Recognizable ? classes : [0])}{(silent ? "m" : "")}_{seconds ?? options.Seconds}");
        var take = _copies[key + Path.GetExtension(path)] = _copies.GetValueOrDefault(key + Path.GetExtension(path)) + 1;
        var name = $"stock/{key}_{take % Takes}{Path.GetExtension(path)}";
        if (!media.Stock.TryGetValue(name, out var file))
        {
            media.Stock.Add(name, file = Encode(name, options.Recognizable ? classes : [0], take % Takes, silent, seconds ?? options.Seconds));
        }

        var target = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(file, target);
    }

    public void Text(string path, IEnumerable<string> lines) => Write(path, string.Concat(lines.Select(static line => line + "\n")));

    public void Write(string path, string text)
    {
        var target = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllText(target, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    public Miniature Done(string dataset) => new(dataset, Root, [.. Clips.OrderBy(static clip => clip.Id, StringComparer.Ordinal)]);

    /// <summary>A made-up video id as YouTube's are: 11 letters, digits, '-' and '_', which a file's name must not be split at.</summary>
    public static string VideoId(int number)
    {
        const string letters = "ab_CD-01Yz";
        var text = number.ToString("D6", CultureInfo.InvariantCulture);
        return (number % 2 == 0 ? "-_x" : "Y0_") + string.Concat(text.Select(static digit => letters[digit - '0'])) + "_7";
    }

    private string Encode(string name, IReadOnlyList<int> classes, int take, bool silent, double seconds)
    {
        var (red, green, blue) = Colour(classes[0]);
        var tones = string.Join('+', classes.Select((c, i) => Tone(i == 0 ? 0.4 : 0.1, 220 * Math.Pow(1.45, c) * (1 + (0.01 * take)))));
        var video = string.Create(
            CultureInfo.InvariantCulture,
            $"-f lavfi -i color=c=0x{red:X2}{green:X2}{blue:X2}:size=80x60:rate=8:duration={seconds},noise=alls=20:allf=t:all_seed={take},drawbox=x=10+8*{take}:y=10:w=20:h=20:t=fill");
        var audio = string.Create(CultureInfo.InvariantCulture, $"-f lavfi -i aevalsrc={tones}+0.02*(random({take})-0.5):sample_rate=16000:duration={seconds}");
        var (videoCodec, audioCodec) = Path.GetExtension(name) switch
        {
            ".avi" => ("-c:v mpeg4 -q:v 5", "-c:a libmp3lame"),
            ".webm" => ("-c:v libvpx -deadline realtime -cpu-used 8", "-c:a libvorbis"),
            ".wav" or ".flac" or ".ogg" => ("", ""),
            _ => ("-c:v libx264 -preset ultrafast -pix_fmt yuv420p", "-c:a aac"),
        };
        return media.Make(videoCodec.Length == 0 ? $"{audio} {name}" : silent ? $"{video} {videoCodec} {name}" : $"{video} {audio} {videoCodec} {audioCodec} {name}");
    }

    private static string Tone(double level, double hertz) => string.Create(CultureInfo.InvariantCulture, $"{level}*sin(2*PI*t*{Math.Round(hertz)})");

    // Hues as far apart as the golden angle, whatever the number of classes.
    private static (int Red, int Green, int Blue) Colour(int index)
    {
        var hue = index * 137.508 % 360 / 60;
        return (Part(hue, 5), Part(hue, 3), Part(hue, 1));

        static int Part(double hue, int offset)
        {
            var k = (offset + hue) % 6;
            return (int)Math.Round(220 * (1 - Math.Clamp(Math.Min(k, 4 - k), 0, 1)));
        }
    }
}
