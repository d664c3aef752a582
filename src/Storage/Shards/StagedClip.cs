using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>A clip the writer holds until its source item is settled and its row group is written: pooled copies of the payload, and their checksums.</summary>
internal sealed class StagedClip : IDisposable
{
    private readonly List<byte[]> _rented = [];

    public StagedClip(ClipRecord clip, Fingerprint fingerprint, int jpegQuality)
    {
        uint[] offsets = [];
        if (fingerprint.FramesCodec == FrameCodecs.Jpeg && clip.NumFrames > 0)
        {
            (Frames, offsets) = clip.FrameOffsets.IsEmpty
                ? EncodeJpeg(clip, jpegQuality)
                : (Copy(clip.Frames), clip.FrameOffsets.ToArray());
        }
        else
        {
            Frames = Copy(clip.Frames);
        }

        Mel = Copy(clip.Mel);
        Pcm = Copy(clip.Pcm);
        MelStatisticFrames = clip.MelFrames > 0 ? clip.MelFrames : Pcm.IsEmpty ? 0 : 1 + (Pcm.Length / sizeof(short) / fingerprint.Hop);
        MelSum = clip.MelSum;
        MelSumSquares = clip.MelSumSquares;
        ShardRow row = new()
        {
            Id = clip.Id,
            Source = clip.Source,
            Label = clip.Label,
            Labels = [.. clip.Labels],
            Split = clip.Split,
            Folds = [.. clip.Folds],
            Start = clip.Start,
            Duration = clip.Duration,
            Fps = clip.Fps,
            Width = clip.Width,
            Height = clip.Height,
            NumFrames = clip.NumFrames,
            MelFrames = clip.MelFrames,
            NumSamples = clip.Pcm.Length / sizeof(short),
            AudioRate = clip.AudioRate,
            MelCrc = Crc32C.Compute(Mel.Span),
            PcmCrc = Crc32C.Compute(Pcm.Span),
            FrameOffsets = MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray(),
        };
        row = row with { FrameCrc = FrameCrcs(row) };
        Row = row with { Crc = row.ComputeCrc() };
    }

    public ShardRow Row { get; }

    public ReadOnlyMemory<byte> Frames { get; }

    public ReadOnlyMemory<byte> Mel { get; }

    public ReadOnlyMemory<byte> Pcm { get; }

    /// <summary>Spectrogram frames that the sums are over: of a waveform those it would have.</summary>
    public int MelStatisticFrames { get; }

    public double MelSum { get; }

    public double MelSumSquares { get; }

    public long Bytes => (long)Frames.Length + Mel.Length + Pcm.Length;

    public void Dispose()
    {
        foreach (var buffer in _rented)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        _rented.Clear();
    }

    private static (ReadOnlyMemory<byte> Frames, uint[] Offsets) EncodeJpeg(ClipRecord clip, int quality) =>
        JpegFrames.Encode(clip.Frames.Span, clip.NumFrames, clip.Height, clip.Width, quality);

    private ReadOnlyMemory<byte> Copy(ReadOnlyMemory<byte> payload)
    {
        if (payload.IsEmpty)
        {
            return payload;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(payload.Length);
        _rented.Add(buffer);
        payload.Span.CopyTo(buffer);
        return buffer.AsMemory(0, payload.Length);
    }

    private byte[] FrameCrcs(ShardRow row)
    {
        var crcs = new byte[row.NumFrames * sizeof(uint)];
        for (var i = 0; i < row.NumFrames; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(crcs.AsSpan(i * sizeof(uint)), Crc32C.Compute(Frames.Span[row.Frame(i)]));
        }

        return crcs;
    }
}
