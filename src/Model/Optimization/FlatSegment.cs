namespace Xkd.Model.Optimization;

/// <summary>A run of the flat buffers that is treated alike.</summary>
/// <param name="Offset">First value.</param>
/// <param name="Length">Values, padding included.</param>
/// <param name="Decayed">Weight decay applies.</param>
/// <param name="LastLayer">Belongs to a projector's last layer, which can be frozen.</param>
internal sealed record FlatSegment(long Offset, long Length, bool Decayed, bool LastLayer)
{
    public long End => Offset + Length;
}
