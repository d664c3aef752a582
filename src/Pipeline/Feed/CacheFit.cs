using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Whether a cache holds what a feed asks for; if not, the error carries the command that makes one that does.</summary>
internal static class CacheFit
{
    /// <param name="source">The cache.</param>
    /// <param name="modalities">What the feed delivers.</param>
    /// <param name="fps">Frames a second of the views.</param>
    /// <param name="frameSize">Pixels of the largest view.</param>
    /// <param name="mel">The spectrogram.</param>
    /// <param name="clips">The clips that will be read; null: all.</param>
    /// <param name="waveform">Spectrograms must be made window by window.</param>
    /// <param name="anyFrameRule">Frames made by another rule than today's will do.</param>
    /// <exception cref="UsageException">It does not.</exception>
    public static void Require(
        IClipSource source, Modalities modalities, double fps, int frameSize, LogMelOptions mel, IReadOnlyList<int>? clips = null, bool waveform = false, bool anyFrameRule = false)
    {
        var held = source.Fingerprint;
        var video = modalities.HasFlag(Modalities.Video);
        var audio = modalities.HasFlag(Modalities.Audio);
        var cached = audio && held.AudioCodec == AudioCodecs.Mel; // a pcm cache suits any spectrogram of its sample rate
        List<string> unfit = [];
        Check(video && held.Fps != fps, "fps", held.Fps, fps);
        if (video && held.ShortSide < frameSize)
        {
            unfit.Add($"short_side is {held.ShortSide}, views of {frameSize} pixels need at least {frameSize}");
        }

        if (video && held.FrameRule != FrameRules.OnScreen && !anyFrameRule)
        {
            unfit.Add($"frame_rule is {held.FrameRule}, not {FrameRules.OnScreen} (frame_rule: any takes it as it is, pictures half a source frame ahead of the sound)");
        }

        Check(audio && held.SampleRate != mel.SampleRate, "sample_rate", held.SampleRate, mel.SampleRate);
        var ownSpectrogram = unfit.Count;
        if (cached && waveform)
        {
            unfit.Add($"audio_codec is {held.AudioCodec}, spectrograms made of each window's waveform need {AudioCodecs.Pcm}");
        }

        Check(cached && held.NFft != mel.NFft, "n_fft", held.NFft, mel.NFft);
        Check(cached && held.Hop != mel.Hop, "hop", held.Hop, mel.Hop);
        Check(cached && held.Mels != mel.Mels, "mels", held.Mels, mel.Mels);
        if (unfit.Count > 0)
        {
            var command = Command(pcm: unfit.Count > ownSpectrogram || held.AudioCodec == AudioCodecs.Pcm);
            throw new UsageException($"cache {source.Name} does not fit: {string.Join("; ", unfit)}; set the configuration to the cache, or run: {command}");
        }

        RequireModality(source, video, clips, c => c.NumFrames == 0, "video", Command);
        RequireModality(source, audio, clips, c => c.MelFrames == 0 && c.NumSamples == 0, "audio", Command);

        string Command(bool pcm) => IngestCommandLine.For(source, modalities, video ? fps : held.Fps, video ? Math.Max(frameSize, held.ShortSide) : held.ShortSide, pcm);

        void Check(bool differs, string key, double has, double needs)
        {
            if (differs)
            {
                unfit.Add(string.Create(CultureInfo.InvariantCulture, $"{key} is {has}, not {needs}"));
            }
        }
    }

    private static void RequireModality(IClipSource source, bool wanted, IReadOnlyList<int>? clips, Func<ClipEntry, bool> lacks, string modality, Func<bool, string> command)
    {
        var read = clips?.Select(i => source.Clips[i]) ?? source.Clips;
        if (wanted && read.FirstOrDefault(lacks) is { } first)
        {
            var ingested = source.Origins.Any(origin => origin.Modalities != "av" && origin.Modalities != modality);
            throw new UsageException(
                $"cache {source.Name} has {read.Count(lacks)} clips without {modality}, the first is {first.Id}{(ingested ? $" (it was ingested without {modality})" : "")}; "
                + $"run: {command(source.Fingerprint.AudioCodec == AudioCodecs.Pcm)}");
        }
    }
}
