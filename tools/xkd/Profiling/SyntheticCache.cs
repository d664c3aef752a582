using System.Runtime.InteropServices;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Profiling;

/// <summary>
/// A cache without media, as ingest makes them by default: raw frames beside float16 log-mel, or waveforms where the configuration asks for them. Its
/// content is noise. A few clips differ, the others are these under other ids, so that a thousand take seconds.
/// </summary>
internal static class SyntheticCache
{
    private const int Distinct = 4, ShortSide = 112, AudioRate = 16_000;
    private const double Spare = 0.5; // seconds that a clip is longer than the views, whose places so differ

    /// <summary>Writes a cache that the views of a configuration fit.</summary>
    public static async Task WriteAsync(string folder, DataSection data, int clips, CancellationToken stop)
    {
        var waveforms = data.Spectrogram == SpectrogramSource.PerWindow;
        Fingerprint fingerprint = new()
        {
            Decoder = "synthetic", Fps = data.Fps, Mels = data.Mels, ShortSide = Math.Max(ShortSide, data.GlobalSize),
            AudioCodec = waveforms ? AudioCodecs.Pcm : AudioCodecs.Mel,
        };
        ClipRecord[] distinct = [.. Enumerable.Range(0, Distinct).Select(seed => Clip(fingerprint, data, new Random(seed)))];
        var writer = await CacheWriter.OpenAsync(folder, fingerprint, new CacheWriterOptions(), TimeProvider.System, stop).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            for (var i = 0; i < clips; i++)
            {
                var id = $"clip{i:d6}";
                await writer.AppendAsync(distinct[i % Distinct] with { Id = id, SourceItem = id, Source = id }, stop).ConfigureAwait(false);
                await writer.SettleAsync(new LedgerEntry { Id = id, Source = id, State = ItemState.Committed }, stop).ConfigureAwait(false);
            }

            await writer.CommitAsync(stop).ConfigureAwait(false);
        }
    }

    private static ClipRecord Clip(Fingerprint fingerprint, DataSection data, Random random)
    {
        (var height, var width) = (fingerprint.ShortSide, fingerprint.ShortSide * 4 / 3);
        var seconds = Math.Max(data.GlobalFrames / data.Fps, (double)data.GlobalMelFrames * fingerprint.Hop / AudioRate) + Spare;
        var frames = new byte[(int)(seconds * data.Fps) * height * width * 3];
        random.NextBytes(frames);
        var samples = new short[(int)(seconds * AudioRate)];
        random.NextBytes(MemoryMarshal.AsBytes(samples.AsSpan()));
        var mel = new Half[(1 + (samples.Length / fingerprint.Hop)) * data.Mels];
        for (var i = 0; i < mel.Length; i++)
        {
            mel[i] = (Half)((10 * random.NextDouble()) - 12);
        }

        ClipRecord clip = new()
        {
            Id = "", SourceItem = "", Duration = seconds,
            Fps = data.Fps, Width = width, Height = height, NumFrames = frames.Length / (height * width * 3), Frames = frames,
            AudioRate = AudioRate, MelSum = mel.Sum(v => (double)v), MelSumSquares = mel.Sum(v => (double)v * (double)v),
        };
        return fingerprint.AudioCodec == AudioCodecs.Pcm
            ? clip with { Pcm = MemoryMarshal.AsBytes(samples.AsSpan()).ToArray() }
            : clip with { MelFrames = mel.Length / data.Mels, Mel = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray() };
    }
}
