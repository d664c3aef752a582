namespace Xkd.Model.Evaluation;

/// <summary>Where one teacher looks: one value for each of its patches, averaged over heads.</summary>
/// <param name="Time">Steps in time; 1 for a spectrogram, whose time is its columns.</param>
/// <param name="Rows">Rows of patches: height, or mel bands, the lowest first.</param>
/// <param name="Columns">Columns of patches: width, or time.</param>
/// <param name="Attention">The last block's attention of the class token, [time, rows, columns].</param>
/// <param name="Refined">The same refined by the other modality's, as the objective weighs patches; null where nothing refines it.</param>
public sealed record AttentionMap(int Time, int Rows, int Columns, float[] Attention, float[]? Refined);
