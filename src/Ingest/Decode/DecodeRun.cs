using System.Globalization;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>What a run of ffmpeg, or of its libraries, brought of one source.</summary>
internal sealed class DecodeRun(DecodePlan plan, InputLog log) : IDisposable
{
    public DecodePlan Plan { get; } = plan;

    public InputLog Log { get; } = log;

    public Spool Frames { get; } = new(plan.Options.ResidentBytes, plan.Options.SpoolFolder);

    public Spool Samples { get; } = new(plan.Options.ResidentBytes, plan.Options.SpoolFolder);

    public int ExitCode { get; set; } = -1;

    /// <summary>The bytes are whole frames and samples of the streams that were asked for.</summary>
    public bool Sound => ExitCode == 0
        && !Log.Reconfigured
        && (!Plan.Video || (Log.FrameSize is { } size && Frames.Length % ((long)size.Width * size.Height * 3) == 0 && !CoverImage))
        && (!Plan.Audio || (Samples.Length % sizeof(float) == 0 && (!Log.SoundRestarted || Plan.SoundInPieces)));

    /// <summary>The "video" was a picture attached to an audio file.</summary>
    public bool CoverImage => Plan.Video && Log.VideoUsed is { AttachedPicture: true };

    public double FrameSeconds => Log.FrameSize is { } size ? Frames.Length / ((long)size.Width * size.Height * 3) / Plan.Options.Fps : 0;

    public double SampleSeconds => (double)Samples.Length / sizeof(float) / Plan.Options.SampleRate;

    /// <summary>The streams that are wanted exist.</summary>
    public bool HasStreams => (!Plan.Video || Streams("Video").Any()) && (!Plan.Audio || Streams("Audio").Any());

    /// <summary>Nothing about the source asks for a choice or a warning: one video and one audio stream, as far as they are wanted, and no error.</summary>
    public bool Plain => Sound && Log.ErrorCount == 0 && !SoughtInDoubt && HasStreams && !HasChoice;

    /// <summary>There are several streams of a kind that is wanted.</summary>
    public bool HasChoice => (Plan.Video && Streams("Video").Skip(1).Any()) || (Plan.Audio && Streams("Audio").Skip(1).Any());

    /// <summary>It took the best of the source's streams.</summary>
    public bool TookTheBest(MediaInfo info) =>
        (!Plan.Video || info.BestVideo?.Index == Log.VideoUsed?.Index) && (!Plan.Audio || info.BestAudio?.Index == Log.AudioUsed?.Index);

    /// <summary>
    /// A stretch was sought where that may not have led to it: a container without an index, or one whose decoder complained. There the first
    /// frames can be made of what was never decoded.
    /// </summary>
    public bool SoughtInDoubt => Plan.Item.Start > 0 && !Plan.WithoutSeeking && (Log.ErrorCount > 0 || Log.EstimatesDuration);

    /// <summary>Takes what a decoder of one video and one audio stream says of the source it has decoded.</summary>
    public void Settle(DecoderEnd end)
    {
        ExitCode = 0;
        Log.Duration = DeclaredDuration.Believed(end.Seconds); // none where it is not a number
        var index = 0;
        foreach (var kind in new[] { Plan.Video ? "Video" : null, Plan.Audio ? "Audio" : null }.OfType<string>())
        {
            Log.AddStream(new LoggedStream(index, kind, AttachedPicture: false));
            Log.Use(index++);
        }

        if (Plan.Video)
        {
            Log.AddFrameSize((end.Width, end.Height));
        }
    }

    /// <summary>Puts silence before sound that comes in pieces, for as long as it begins after the picture, or after its stretch.</summary>
    public void LeadSound()
    {
        if (Plan is { SoundInPieces: true, Probed.BestAudio: { } sound } && sound.Start - (Plan.Item.Start ?? 0) is var late and > 0)
        {
            Samples.Write(new byte[sizeof(float) * (int)Math.Round(late * Plan.Options.SampleRate)]);
        }
    }

    /// <summary>Where the outputs' bytes go, in the order of the command line.</summary>
    public IEnumerable<SpanSink> Sinks()
    {
        if (Plan.Video)
        {
            yield return Frames.Write;
        }

        if (Plan.Audio)
        {
            yield return Samples.Write;
        }
    }

    /// <summary>What a run that succeeded still has to say: streams passed over, errors the decoder concealed.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var used in new[] { Log.VideoUsed, Log.AudioUsed }.OfType<LoggedStream>())
        {
            var streams = Streams(used.Kind).Select(static stream => stream.Index).ToList();
            if (streams.Count > 1)
            {
                yield return $"{streams.Count} {used.Kind.ToLowerInvariant()} streams ({string.Join(", ", streams)}): stream {used.Index} was taken";
            }
        }

        if (Log.ErrorCount > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the decoder concealed {Log.ErrorCount} errors: {string.Join("; ", Log.Errors.Take(3))}");
        }
    }

    private IEnumerable<LoggedStream> Streams(string kind) => Log.Streams.Where(stream => stream.Kind == kind && !stream.AttachedPicture);

    public void Dispose()
    {
        Frames.Dispose();
        Samples.Dispose();
    }
}
