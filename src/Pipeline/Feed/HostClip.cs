namespace Xkd.Pipeline;

/// <summary>Where one clip's window lies among those of a batch.</summary>
/// <param name="Offset">First byte.</param>
/// <param name="Height">Rows of a frame.</param>
/// <param name="Width">Columns of a frame.</param>
public readonly record struct HostClip(int Offset, int Height, int Width);
