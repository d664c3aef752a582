using TorchSharp.Modules;

namespace Xkd.Model.Optimization;

/// <summary>Where a parameter lies in the flat buffers.</summary>
/// <param name="Name">First official name.</param>
/// <param name="Parameter">The module's parameter.</param>
/// <param name="Offset">First value.</param>
/// <param name="Kind">How the optimizer treats it.</param>
internal sealed record FlatSlot(string Name, Parameter Parameter, long Offset, SlotKind Kind)
{
    public long Length => Parameter.numel();

    public long Rows => (Length + FlatParameters.RowLength - 1) / FlatParameters.RowLength;

    public long PaddedLength => Rows * FlatParameters.RowLength;
}

/// <summary>How the optimizer treats a parameter; also the order of the kinds within a region.</summary>
internal enum SlotKind
{
    Decayed,
    Undecayed,
    LastLayerDecayed,
    LastLayerUndecayed,

    /// <summary>Not trained, yet followed by the teacher: a projector's fixed magnitudes.</summary>
    Untrained,
}
