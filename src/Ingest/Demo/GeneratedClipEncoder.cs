using System.Text;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Encodes generated clips as MP4 (MPEG-4 video, AAC sound), several in one ffmpeg process: starting it costs more than encoding one.</summary>
public sealed class GeneratedClipEncoder(FfmpegTools tools, GeneratedClipFormat format)
{
    private const int ClipsPerProcess = 12;
    private readonly FfmpegProcess _ffmpeg = new(tools);

    /// <summary>Makes the clips whose files are absent; a second call makes nothing.</summary>
    /// <param name="clips">Their files' folders are created.</param>
    /// <param name="workers">Encoding processes at a time; 0 is one per core.</param>
    /// <param name="progress">Receives the number of clips made so far.</param>
    /// <param name="cancellationToken">Stops; clips made so far are whole.</param>
    /// <returns>The number of clips made.</returns>
    /// <exception cref="FailureException">ffmpeg cannot encode.</exception>
    public async Task<int> EncodeMissingAsync(IEnumerable<IGeneratedClip> clips, int workers, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var missing = clips.Where(static clip => !File.Exists(clip.Path)).ToList();
        foreach (var folder in missing.Select(static clip => Path.GetDirectoryName(clip.Path)!).Distinct(StringComparer.Ordinal))
        {
            Directory.CreateDirectory(folder);
        }

        var made = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = workers > 0 ? workers : Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(missing.Chunk(ClipsPerProcess), parallel, async (chunk, token) =>
        {
            await EncodeAsync(chunk, token);
            var sum = Interlocked.Add(ref made, chunk.Length);
            progress?.Report(sum);
        });
        return made;
    }

    private async Task EncodeAsync(IGeneratedClip[] clips, CancellationToken cancellationToken)
    {
        var errors = new List<string>();
        var feeds = clips.SelectMany(static clip => new Func<Stream, Task>[] { clip.WriteFramesAsync, clip.WriteSamplesAsync }).ToList();
        var exit = await _ffmpeg.FeedAsync(pipes => Arguments(clips, pipes), feeds, errors.Add, cancellationToken);
        if (exit != 0)
        {
            throw new FailureException($"ffmpeg could not encode generated clips (exit {exit}: {string.Join("; ", errors.TakeLast(3))}); it needs the mpeg4 and aac encoders.");
        }

        foreach (var clip in clips)
        {
            File.Move(clip.Temporary, clip.Path, overwrite: true);
        }
    }

    private string Arguments(IGeneratedClip[] clips, IReadOnlyList<string> pipes)
    {
        var line = new StringBuilder("-hide_banner -nostdin -nostats -v error -y");
        for (var i = 0; i < clips.Length; i++)
        {
            line.Append($" -f rawvideo -pix_fmt rgb24 -s {format.Width}x{format.Height} -r {format.Fps} -i pipe:{pipes[2 * i]}")
                .Append($" -f s16le -ar {format.SampleRate} -ac 1 -i pipe:{pipes[(2 * i) + 1]}");
        }

        var rate = format.VideoBitRate;
        for (var i = 0; i < clips.Length; i++)
        {
            line.Append($" -map {2 * i}:v -map {(2 * i) + 1}:a -threads 1 -c:v mpeg4 -b:v {rate} -minrate {rate} -maxrate {rate} -bufsize {rate} -g {format.Fps}")
                .Append($" -pix_fmt yuv420p -c:a aac -b:a {format.AudioBitRate} -ar {format.EncodedSampleRate} -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact")
                .Append($" \"{clips[i].Temporary.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }

        return line.ToString();
    }
}
