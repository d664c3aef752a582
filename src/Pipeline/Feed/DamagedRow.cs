namespace Xkd.Pipeline;

/// <summary>A row left out under the skip policy.</summary>
/// <param name="ClipId">The clip.</param>
/// <param name="Detail">Shard, row and column, what was expected there and what was found.</param>
public sealed record DamagedRow(string ClipId, string Detail);
