using System.Buffers;

namespace Xkd.Ingest.Tests;

/// <summary>Decodes a file to frames of its first byte, and to silence; one that begins with '!' fails. It takes no time of this machine.</summary>
internal sealed class ByteDecoder : IMediaDecoder
{
    public const int Frames = 8;
    public const int Side = 16;

    public async Task<DecodeOutcome> DecodeAsync(SourceItem item, CancellationToken cancellationToken)
    {
        var first = (await File.ReadAllBytesAsync(item.Path, cancellationToken))[0];
        if (first == (byte)'!')
        {
            return new DecodeOutcome(null, new ItemFailure(FailureStages.Decode, FailureReasons.Corrupt, "it begins with !"));
        }

        var (frames, samples) = (new Spool(1 << 20, folder: null, ArrayPool<byte>.Shared), new Spool(1 << 20, folder: null, ArrayPool<byte>.Shared));
        frames.Write(Enumerable.Repeat(first, Frames * Side * Side * 3).ToArray());
        samples.Write(new byte[16000 * sizeof(float)]);
        return new DecodeOutcome(new DecodedMedia(frames, samples) { Width = Side, Height = Side }, null);
    }
}
