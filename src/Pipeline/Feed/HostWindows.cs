namespace Xkd.Pipeline;

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
