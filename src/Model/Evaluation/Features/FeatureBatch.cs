namespace Xkd.Model.Evaluation;

/// <summary>Features of a batch of windows as a network returns them.</summary>
/// <param name="Clips">Clip index of each row.</param>
/// <param name="Vectors">Row-major [rows, dim].</param>
public sealed record FeatureBatch(IReadOnlyList<int> Clips, ReadOnlyMemory<float> Vectors);
