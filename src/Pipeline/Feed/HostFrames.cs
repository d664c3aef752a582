using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// All frames read for a batch: rgb24, one clip after the other, each [frames, height, width, 3] of its own height and width. Its views are cut out of them.
/// </summary>
public sealed class HostFrames
{
    private readonly HostClip[] _clips;

    internal HostFrames(int rows, int frames) => (_clips, Frames) = (new HostClip[rows], frames);

    /// <summary>Frames of one size, copied: for what has clips of its own.</summary>
    /// <param name="windows">rgb24 [frames, height, width, 3] each.</param>
    /// <param name="frames">Frames of each.</param>
    /// <param name="height">Rows of a frame.</param>
    /// <param name="width">Columns of a frame.</param>
    public static HostFrames Of(IReadOnlyList<ReadOnlyMemory<byte>> windows, int frames, int height, int width)
    {
        HostFrames packed = new(windows.Count, frames);
        ClipEntry[] clips = [.. windows.Select(_ => new ClipEntry { Id = string.Empty, Source = string.Empty, Height = height, Width = width })];
        packed.Layout(clips);
        for (var slot = 0; slot < windows.Count; slot++)
        {
            windows[slot].Span.CopyTo(packed.Place(slot, clips[slot]));
        }

        return packed;
    }

    /// <summary>The view that shows all frames.</summary>
    public HostWindows Whole()
    {
        HostWindows whole = new(_clips.Length, Frames);
        for (var slot = 0; slot < _clips.Length; slot++)
        {
            whole.Cut(slot, _clips[slot], first: 0);
        }

        return whole;
    }

    /// <summary>Frames read of each clip.</summary>
    public int Frames { get; }

    /// <summary>The bytes; the first <see cref="Length"/> count. Pinned, and valid until the batch is disposed.</summary>
    public byte[] Data { get; private set; } = [];

    /// <summary>Bytes of all clips.</summary>
    public int Length { get; private set; }

    /// <summary>Where each clip lies, by slot.</summary>
    public IReadOnlyList<HostClip> Clips => _clips;

    /// <summary>Makes room for the clips, so that they can be read side by side.</summary>
    /// <exception cref="UsageException">They exceed what one array holds.</exception>
    internal void Layout(IReadOnlyList<ClipEntry> clips)
    {
        long end = 0;
        for (var slot = 0; slot < _clips.Length; slot++)
        {
            _clips[slot] = new HostClip((int)Math.Min(end, int.MaxValue), clips[slot].Height, clips[slot].Width);
            end += Bytes(clips[slot]);
        }

        Reserve(end);
    }

    /// <summary>A clip's place. One that stands in for the clip laid out there moves behind the others if it is larger.</summary>
    internal Span<byte> Place(int slot, ClipEntry clip)
    {
        var planned = _clips[slot];
        var bytes = (int)Bytes(clip);
        var room = Frames * planned.Height * planned.Width * 3;
        var offset = planned.Offset;
        if (bytes > room)
        {
            offset = Length;
            Reserve((long)Length + bytes);
        }

        _clips[slot] = new HostClip(offset, clip.Height, clip.Width);
        return Data.AsSpan(offset, bytes);
    }

    private long Bytes(ClipEntry clip) => (long)Frames * clip.FrameBytes;

    private void Reserve(long bytes)
    {
        if (bytes > Array.MaxLength)
        {
            throw new UsageException(
                $"{_clips.Length} windows of {Frames} frames take {bytes} bytes, more than one array holds: lower the batch, or set augment.device to cpu");
        }

        if (Data.Length < bytes)
        {
            // Clips differ in width: with a quarter to spare few batches are larger than all before. Devices hold on to the pages of every array they saw.
            var grown = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, bytes + (bytes / 4)), pinned: true);
            Data.AsSpan(0, Length).CopyTo(grown);
            Data = grown;
        }

        Length = (int)bytes;
    }
}

/// <summary>One video view of a batch as read: where each clip's window lies among <see cref="HostFrames.Data"/>.</summary>
public sealed class HostWindows
{
    private readonly HostClip[] _clips;

    internal HostWindows(int rows, int frames) => (_clips, Frames) = (new HostClip[rows], frames);

    /// <summary>Frames of each window.</summary>
    public int Frames { get; }

    /// <summary>Where each clip's window lies, by slot.</summary>
    public IReadOnlyList<HostClip> Clips => _clips;

    /// <summary>A clip's window begins at a frame of those read of it.</summary>
    internal void Cut(int slot, HostClip read, int first) => _clips[slot] = read with { Offset = read.Offset + (first * read.Height * read.Width * 3) };
}

/// <summary>Where one clip's window lies among those of a batch.</summary>
/// <param name="Offset">First byte.</param>
/// <param name="Height">Rows of a frame.</param>
/// <param name="Width">Columns of a frame.</param>
public readonly record struct HostClip(int Offset, int Height, int Width);
