using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>A clip the writer holds until its source item is settled and its row group is written: pooled copies of the payload, and their checksums.</summary>
internal sealed class StagedClip : IDisposable
{
    private readonly ArrayPool<byte> _buffers;
    private readonly List<byte[]> _rented = [];

    public StagedClip(ClipRecord clip, Fingerprint fingerprint, int jpegQuality, ArrayPool<byte> buffers)
    {
        _buffers = buffers;
        uint[] offsets = [];
        if (fingerprint.FramesCodec == FrameCodecs.Jpeg && clip.NumFrames > 0)
        {
            (Frames, offsets) = clip.FrameOffsets.IsEmpty
                ? JpegFrames.Encode(clip.Frames.Span, clip.NumFrames, clip.Height, clip.Width, jpegQuality)
                : (Copy(clip.Frames), clip.FrameOffsets.ToArray());
        }
        else
        {
            Frames = Copy(clip.Frames);
        }

        Mel = Copy(clip.Mel);
        Pcm = Copy(clip.Pcm);
        FrameOffsets = MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray();
        FrameHashes = MemoryMarshal.AsBytes(Enumerable.Range(0, clip.NumFrames).Select(i => Hash(clip, i, offsets)).ToArray().AsSpan()).ToArray();
        Row = clip.Bare() with
        {
            Item = clip.SourceItem == clip.Id ? null : clip.SourceItem,
            Labels = [.. clip.Labels],
            Folds = [.. clip.Folds],
            NumSamples = clip.Pcm.Length / sizeof(short),
            FramesBytes = Frames.Length,
            MelHash = XxHash3.HashToUInt64(Mel.Span),
            PcmHash = XxHash3.HashToUInt64(Pcm.Span),
        };
    }

    /// <summary>What the index will say of it, but for its place.</summary>
    public ClipEntry Row { get; }

    public ReadOnlyMemory<byte> Frames { get; }

    /// <summary>XXH3 of each stored frame, uint64 little endian.</summary>
    public ReadOnlyMemory<byte> FrameHashes { get; }

    /// <summary>Where each JPEG begins and the last ends, uint32 little endian; empty for raw frames.</summary>
    public ReadOnlyMemory<byte> FrameOffsets { get; }

    public ReadOnlyMemory<byte> Mel { get; }

    public ReadOnlyMemory<byte> Pcm { get; }

    public long Bytes => (long)Frames.Length + Mel.Length + Pcm.Length;

    public void Dispose()
    {
        _rented.ForEach(buffer => _buffers.Return(buffer));
        _rented.Clear();
    }

    private ReadOnlyMemory<byte> Copy(ReadOnlyMemory<byte> payload)
    {
        if (payload.IsEmpty)
        {
            return payload;
        }

        var buffer = _buffers.Rent(payload.Length);
        _rented.Add(buffer);
        payload.Span.CopyTo(buffer);
        return buffer.AsMemory(0, payload.Length);
    }

    private ulong Hash(ClipEntry clip, int frame, uint[] offsets) =>
        XxHash3.HashToUInt64(offsets.Length > 0 ? Frames.Span[(int)offsets[frame]..(int)offsets[frame + 1]] : Frames.Span.Slice(frame * clip.FrameBytes, clip.FrameBytes));
}
