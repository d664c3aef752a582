using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Whether a cache holds what a feed asks for; if not, the error carries the command that makes one that does.</summary>
internal static class CacheFit
{
    /// <param name="source">The cache.</param>
    /// <param name="options">What the feed delivers, and of which clips.</param>
    /// <exception cref="UsageException">It does not.</exception>
    public static void Require(IClipSource source, ViewOptions options)
    {
        string[] unfit = [.. source.Members.Select(m => Problem(m.Source, ReadOf(m).Select(i => source.Clips[i]), options)).OfType<string>()];
        if (unfit.Length > 0)
        {
            throw new UsageException(string.Join("; ", unfit));
        }

        IEnumerable<int> ReadOf(SourceMember m) => options.Selected?.Where(i => i >= m.First && i < m.First + m.Count) ?? Enumerable.Range(m.First, m.Count);
    }

    private static string? Problem(IClipSource source, IEnumerable<ClipEntry> read, ViewOptions options)
    {
        (var held, var mel, var frameSize) = (source.Fingerprint, options.Mel, options.FrameSize);
        (var video, var audio) = (options.Video, options.Audio);
        var cached = audio && held.AudioCodec == AudioCodecs.Mel; // a pcm cache suits any spectrogram of its sample rate
        List<string> unfit = [];
        Check(video && held.Fps != options.Fps, "fps", held.Fps, options.Fps);
        if (video && held.ShortSide < frameSize)
        {
            unfit.Add($"short_side is {held.ShortSide}, views of {frameSize} pixels need at least {frameSize}");
        }

        if (video && held.FrameRule != FrameRules.OnScreen && !options.AnyFrameRule)
        {
            unfit.Add(
                $"frame_rule is {held.FrameRule}, not {FrameRules.OnScreen} (frame_rule: any takes it as it is, pictures half a source frame ahead of the sound)");
        }

        Check(audio && held.SampleRate != mel.SampleRate, "sample_rate", held.SampleRate, mel.SampleRate);
        var ownSpectrogram = unfit.Count;
        if (cached && options.RequireWaveform)
        {
            unfit.Add($"audio_codec is {held.AudioCodec}, spectrograms made of each window's waveform need {AudioCodecs.Pcm}");
        }

        Check(cached && held.NFft != mel.NFft, "n_fft", held.NFft, mel.NFft);
        Check(cached && held.Hop != mel.Hop, "hop", held.Hop, mel.Hop);
        Check(cached && held.Mels != mel.Mels, "mels", held.Mels, mel.Mels);
        if (unfit.Count > 0)
        {
            var command = Command(pcm: unfit.Count > ownSpectrogram || held.AudioCodec == AudioCodecs.Pcm);
            return $"cache {source.Name} does not fit: {string.Join("; ", unfit)}; set the configuration to the cache, or run: {command}";
        }

        return Lacking(video, c => c.NumFrames == 0, "video") ?? Lacking(audio, c => c.MelFrames == 0 && c.NumSamples == 0, "audio");

        string Command(bool pcm) => IngestCommandLine.For(
            source, options.Modalities, video ? options.Fps : held.Fps, video ? Math.Max(frameSize, held.ShortSide) : held.ShortSide, pcm);

        void Check(bool differs, string key, double has, double needs)
        {
            if (differs)
            {
                unfit.Add(string.Create(CultureInfo.InvariantCulture, $"{key} is {has}, not {needs}"));
            }
        }

        string? Lacking(bool wanted, Func<ClipEntry, bool> lacks, string modality)
        {
            if (!wanted || read.FirstOrDefault(lacks) is not { } first)
            {
                return null;
            }

            var (ingested, other) = (source.Origins.Any(o => o.Modalities != "av" && o.Modalities != modality), modality == "video" ? "audio" : "video");
            var found = $"cache {source.Name} has {read.Count(lacks)} clips without {modality}, the first is {first.Id}"
                + $"{(ingested ? $" (it was ingested without {modality})" : "")}; ";
            var instead = read.All(lacks) && video != audio ? $"for what it holds write --modality {other}; " : "";
            return $"{found}{instead}if the sources have {modality}, run: {Command(held.AudioCodec == AudioCodecs.Pcm)}";
        }
    }

    /// <summary>What normalises a log-mel: the options' mean and deviation where given, otherwise the cache's own.</summary>
    /// <exception cref="UsageException">There are none.</exception>
    public static (double Mean, double Std) MelScale(IClipSource source, ViewOptions options)
    {
        (var own, var deviation) = (source.MelStatistics, options.MelStd ?? source.MelStatistics.Std);
        if (options.Audio && (options.MelMean is null || options.MelStd is null) && !own.Any)
        {
            var lacking = source.Members.First(m => !m.Source.MelStatistics.Any).Source;
            throw new UsageException(
                $"cache {lacking.Name} has no mel statistics: "
                + "set the mel mean and standard deviation, such as -5.3688107 and 4.410007 of the released weights");
        }

        return options.Audio && deviation <= 0
            ? throw new UsageException($"cache {source.Name} has a mel standard deviation of {deviation}: every clip is silent, or set the mean and deviation")
            : (options.MelMean ?? own.Mean, deviation);
    }
}

/// <summary>Writes the command that ingests a cache's sources again, for what the cache at hand does not hold.</summary>
internal static class IngestCommandLine
{
    private const double DefaultMaxClip = 60;

    /// <param name="source">The cache at hand.</param>
    /// <param name="wanted">Modalities that are needed; those it was ingested for stay.</param>
    /// <param name="fps">Frames a second.</param>
    /// <param name="shortSide">Pixels.</param>
    /// <param name="pcm">Waveforms are needed.</param>
    public static string For(IClipSource source, Modalities wanted, double fps, int shortSide, bool pcm)
    {
        var kept = source.Fingerprint.FramesCodec == FrameCodecs.Raw ? "" : $" --frames {source.Fingerprint.FramesCodec}";
        var prepared = string.Create(CultureInfo.InvariantCulture, $"--fps {fps} --short-side {shortSide}{kept}{(pcm ? " --audio pcm" : "")}");
        if (source.Origins.Count == 0)
        {
            return $"xkd ingest --dataset DATASET --root DIR --out NEW_CACHE --modalities {Name(wanted)} {prepared}";
        }

        var modalities = source.Origins.Aggregate(wanted, static (all, origin) => all | Parse(origin.Modalities));
        var cache = $"{Path.TrimEndingDirectorySeparator(source.Name)}-{Name(modalities)}-{shortSide}{(pcm ? "-pcm" : "")}";
        return string.Join(" && ", source.Origins.Select(origin =>
            $"xkd ingest --dataset {origin.Dataset} --root {Quoted(origin.Root)}{Option("split", origin.Split)}{Option("annotations", origin.Annotations)} "
            + $"--out {Quoted(cache)} --modalities {Name(modalities)} {prepared}{MaxClip(origin)}").Distinct());
    }

    private static string MaxClip(IngestOrigin origin) =>
        origin.MaxClip == DefaultMaxClip ? "" : string.Create(CultureInfo.InvariantCulture, $" --max-clip {origin.MaxClip}");

    private static string Option(string name, string? value) => value is null ? "" : $" --{name} {Quoted(value)}";

    private static Modalities Parse(string name) => name switch { "video" => Modalities.Video, "audio" => Modalities.Audio, _ => Modalities.Both };

    private static string Name(Modalities modalities) => modalities switch { Modalities.Video => "video", Modalities.Audio => "audio", _ => "av" };

    // As a shell takes it.
    private static string Quoted(string text) =>
        text.Length > 0 && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or ':' or '+')
            ? text
            : $"'{text.Replace("'", "'\\''")}'";
}
