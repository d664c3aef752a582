using System.Globalization;

namespace Xkd.Ingest;

/// <summary>What one ffmpeg run brought.</summary>
internal sealed class DecodeRun(DecodePlan plan, Spool frames, Spool samples) : IDisposable
{
    public DecodePlan Plan { get; } = plan;

    public FfmpegLog Log { get; } = new();

    public Spool Frames { get; } = frames;

    public Spool Samples { get; } = samples;

    public int ExitCode { get; set; } = -1;

    /// <summary>The bytes are whole frames and samples of the streams that were asked for.</summary>
    public bool Sound => ExitCode == 0
        && !Log.Reconfigured
        && (!Plan.Video || (Log.FrameSize is { } size && Frames.Length % ((long)size.Width * size.Height * 3) == 0 && !CoverImage))
        && (!Plan.Audio || Samples.Length % sizeof(float) == 0);

    /// <summary>The "video" was a picture attached to an audio file.</summary>
    public bool CoverImage => Plan.Video && Log.Mapped(0) is { AttachedPicture: true };

    public double FrameSeconds => Log.FrameSize is { } size ? Frames.Length / ((long)size.Width * size.Height * 3) / Plan.Options.Fps : 0;

    public double SampleSeconds => (double)Samples.Length / sizeof(float) / Plan.Options.SampleRate;

    /// <summary>What a run that succeeded still has to say: streams passed over, errors the decoder concealed.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var (kind, output) in new[] { ("Video", 0), ("Audio", Plan.Video ? 1 : 0) })
        {
            var streams = Log.Streams.Where(stream => stream.Kind == kind && !stream.AttachedPicture).Select(static stream => stream.Index).ToList();
            if (streams.Count > 1 && Log.Mapped(output) is { } used && used.Kind == kind)
            {
                yield return $"{streams.Count} {kind.ToLowerInvariant()} streams ({string.Join(", ", streams)}): stream {used.Index} was taken";
            }
        }

        if (Log.ErrorCount > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the decoder concealed {Log.ErrorCount} errors: {string.Join("; ", Log.Errors.Take(3))}");
        }
    }

    public void Dispose()
    {
        Frames.Dispose();
        Samples.Dispose();
    }
}
