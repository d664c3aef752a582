using System.Text;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// A small labelled audio-visual set for demonstrations: <c>ROOT/train/class/*.mp4</c> and <c>ROOT/val/class/*.mp4</c>. Neither a file's size nor its
/// length tells its class.
/// </summary>
public sealed class ShapesGenerator(FfmpegTools tools)
{
    private const int ClipsPerProcess = 12;
    private static readonly bool[] Splits = [false, true];
    private const string Marker = ".shapes.json";
    private readonly FfmpegProcess _ffmpeg = new(tools);

    /// <summary>The class names, which are the folders.</summary>
    public static IReadOnlyList<string> Classes { get; } = [.. Enum.GetNames<ShapeClass>().Select(static name => name.ToLowerInvariant())];

    /// <summary>Makes what is missing; a second call makes nothing.</summary>
    /// <param name="root">The folder, created when absent.</param>
    /// <param name="options">Size and seed.</param>
    /// <param name="progress">Receives the number of clips made so far.</param>
    /// <param name="cancellationToken">Stops; clips made so far are whole.</param>
    /// <returns>The number of clips made.</returns>
    /// <exception cref="UsageException">The folder holds a set of other options.</exception>
    /// <exception cref="FailureException">ffmpeg cannot encode.</exception>
    public async Task<int> GenerateAsync(string root, ShapesOptions options, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        Claim(root, options);
        var missing = Clips(root, options).Where(static clip => !File.Exists(clip.Path)).ToList();
        foreach (var folder in missing.Select(static clip => Path.GetDirectoryName(clip.Path)!).Distinct())
        {
            Directory.CreateDirectory(folder);
        }

        var made = 0;
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = options.Workers > 0 ? options.Workers : Environment.ProcessorCount,
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(missing.Chunk(ClipsPerProcess), parallel, async (clips, token) =>
        {
            await EncodeAsync(clips, options, token);
            var sum = Interlocked.Add(ref made, clips.Length);
            progress?.Report(sum);
        });
        return made;
    }

    private static IEnumerable<ShapeClip> Clips(string root, ShapesOptions options) =>
        from validation in Splits
        from index in Enumerable.Range(0, validation ? options.ValidationPerClass : options.TrainPerClass)
        from shape in Enum.GetValues<ShapeClass>()
        select new ShapeClip(root, options, validation, shape, index);

    /// <summary>Several clips in one process: starting it costs more than encoding one.</summary>
    private async Task EncodeAsync(ShapeClip[] clips, ShapesOptions options, CancellationToken cancellationToken)
    {
        var errors = new List<string>();
        var feeds = clips.SelectMany(static clip => new Func<Stream, Task>[] { clip.WriteFramesAsync, clip.WriteSamplesAsync }).ToList();
        var exit = await _ffmpeg.FeedAsync(pipes => Arguments(clips, options, pipes), feeds, errors.Add, cancellationToken);
        if (exit != 0)
        {
            throw new FailureException($"ffmpeg could not encode the demonstration clips (exit {exit}: {string.Join("; ", errors.TakeLast(3))}); it needs the mpeg4 and aac encoders.");
        }

        foreach (var clip in clips)
        {
            File.Move(clip.Temporary, clip.Path, overwrite: true);
        }
    }

    private static string Arguments(ShapeClip[] clips, ShapesOptions options, IReadOnlyList<string> pipes)
    {
        var line = new StringBuilder("-hide_banner -nostdin -nostats -v error -y");
        for (var i = 0; i < clips.Length; i++)
        {
            line.Append($" -f rawvideo -pix_fmt rgb24 -s {options.Width}x{options.Height} -r {options.Fps} -i pipe:{pipes[2 * i]}")
                .Append($" -f s16le -ar {options.SampleRate} -ac 1 -i pipe:{pipes[(2 * i) + 1]}");
        }

        // A fixed bit rate, so that a file's size follows its random length and not what it shows.
        for (var i = 0; i < clips.Length; i++)
        {
            line.Append($" -map {2 * i}:v -map {(2 * i) + 1}:a -threads 1 -c:v mpeg4 -b:v 400k -minrate 400k -maxrate 400k -bufsize 400k -g {options.Fps}")
                .Append($" -pix_fmt yuv420p -c:a aac -b:a 64k -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \"{clips[i].Temporary.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }

        return line.ToString();
    }

    private static void Claim(string root, ShapesOptions options)
    {
        Directory.CreateDirectory(root);
        var marker = Path.Combine(root, Marker);
        var content = JsonSerializer.Serialize(options with { Workers = 0 });
        if (!File.Exists(marker))
        {
            File.WriteAllText(marker, content);
        }
        else if (File.ReadAllText(marker) is var other && other != content)
        {
            throw new UsageException($"{root} holds a demonstration set made with {other}, now {content} is asked for; name another folder, or delete it.");
        }
    }
}
