using System.Globalization;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Clips that cost a decoder what web video does: 10 s, 340x256, 25 fps, h264 at 400 kbit/s, with detail that moves everywhere, and
/// stereo AAC. For measuring, not for learning.
/// </summary>
public static class CameraClips
{
    /// <summary>Makes the clips that are missing and returns their paths.</summary>
    /// <param name="tools">The ffmpeg that encodes.</param>
    /// <param name="folder">Created when absent.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellationToken">Ends the processes.</param>
    /// <exception cref="FailureException">ffmpeg cannot encode h264.</exception>
    public static async Task<IReadOnlyList<string>> GenerateAsync(FfmpegTools tools, string folder, int count, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var ffmpeg = new FfmpegProcess(tools);
        var files = Enumerable.Range(0, count).Select(i => Path.Combine(folder, $"clip{i:D3}.mp4")).ToList();
        await Parallel.ForEachAsync(files.Index(), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken }, async (file, token) =>
        {
            if (File.Exists(file.Item))
            {
                return;
            }

            // Zooming into a fractal by another factor each: neither still nor noise.
            var whole = Path.ChangeExtension(file.Item, ".part");
            var scale = (3.0 / (file.Index + 1)).ToString("F3", CultureInfo.InvariantCulture);
            var log = new FfmpegLog();
            var exit = await ffmpeg.RunAsync(
                _ => $"-hide_banner -nostdin -nostats -v level+error -y -f lavfi -i mandelbrot=size=340x256:rate=25:maxiter=300:start_scale={scale}:end_scale=0.01 "
                    + $"-f lavfi -i anoisesrc=color=pink:sample_rate=44100:seed={file.Index} -t 10 -c:v libx264 -preset veryfast -b:v 400k -pix_fmt yuv420p -ac 2 -c:a aac -f mp4 \"{whole}\"",
                [],
                log.Add,
                token);
            if (exit != 0)
            {
                throw new FailureException($"{tools.Ffmpeg} cannot make {file.Item} (exit code {exit}); it needs the encoders libx264 and aac.");
            }

            File.Move(whole, file.Item);
        });
        return files;
    }
}
