using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Xkd.Pipeline.Tests;

/// <summary>One sample of a batch in a form that can be kept and compared: its clip, where its windows begin, what was drawn, and a hash of every byte delivered for it.</summary>
internal sealed record SampleTrace(long Step, int Epoch, string Clip, string Windows, string Drawn, string Bytes)
{
    /// <summary>The samples of a batch, by slot.</summary>
    public static IEnumerable<SampleTrace> Of(HostBatch batch) => Enumerable.Range(0, batch.Size).Select(slot => Of(batch, slot));

    /// <summary>Reads steps of one rank; <paramref name="seen"/> is shown each batch.</summary>
    public static async Task<List<SampleTrace>> ReadAsync(IClipSource clips, FeedOptions options, long first, long end, IReadOnlyList<int>? tailUsed = null, Action<HostBatch>? seen = null)
    {
        await using ClipFeed feed = new(clips, options);
        List<SampleTrace> samples = [];
        await foreach (var batch in feed.ReadAsync(first, end, tailUsed, TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                samples.AddRange(Of(batch));
                seen?.Invoke(batch);
            }
        }

        return samples;
    }

    private static SampleTrace Of(HostBatch batch, int slot)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var view in batch.Levels)
        {
            hash.AppendData(view.Row(slot));
        }

        foreach (var view in batch.Video.Concat(batch.Audio))
        {
            hash.AppendData(MemoryMarshal.AsBytes(view.Row(slot)));
        }

        AppendRow(hash, batch.VideoNoise, slot, batch.Size);
        AppendRow(hash, batch.AudioNoise, slot, batch.Size);
        var plan = batch.Plans[slot];
        return new SampleTrace(
            batch.Step, batch.Epoch, batch.ClipIds[slot], $"{string.Join(',', plan.Video)};{string.Join(',', plan.Audio)}", JsonSerializer.Serialize(batch.Drawn[slot]), Convert.ToHexString(hash.GetHashAndReset()));
    }

    private static void AppendRow(IncrementalHash hash, float[] noise, int slot, int rows) =>
        hash.AppendData(MemoryMarshal.AsBytes(noise.AsSpan(slot * noise.Length / rows, noise.Length / rows)));
}
