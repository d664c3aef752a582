using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Xkd.Pipeline.Tests;

/// <summary>A batch in a form that can be kept and compared: position, clips, and a hash of every value.</summary>
internal sealed record FeedDigest(long Step, int Epoch, long Position, string Clips, string Values)
{
    public static FeedDigest Of(HostBatch batch)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var view in batch.Levels)
        {
            hash.AppendData(view.Data.AsSpan(0, view.Length));
        }

        foreach (var view in batch.Video.Concat(batch.Audio))
        {
            hash.AppendData(MemoryMarshal.AsBytes(view.Data.AsSpan(0, view.Length)));
        }

        hash.AppendData(MemoryMarshal.AsBytes(batch.VideoNoise.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(batch.AudioNoise.AsSpan()));
        return new FeedDigest(batch.Step, batch.Epoch, batch.Position, string.Join(',', batch.ClipIds), Convert.ToHexString(hash.GetHashAndReset()));
    }

    public static async Task<List<FeedDigest>> ReadAsync(IClipSource clips, FeedOptions options, long first, long end, IReadOnlyList<int>? tailUsed = null)
    {
        await using ClipFeed feed = new(clips, options);
        List<FeedDigest> digests = [];
        await foreach (var batch in feed.ReadAsync(first, end, tailUsed, TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                digests.Add(Of(batch));
            }
        }

        return digests;
    }
}
