namespace Xkd.Storage;

/// <summary>Consecutive rows of a feature file. The vectors are valid until the next block is read.</summary>
/// <param name="Ids">Of each row.</param>
/// <param name="Labels">Of each row; null where it has none.</param>
/// <param name="Vectors">Row-major [rows, dim].</param>
public sealed record FeatureBlock(IReadOnlyList<string> Ids, IReadOnlyList<string?> Labels, ReadOnlyMemory<float> Vectors)
{
    public int Rows => Ids.Count;
}
