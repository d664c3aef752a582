namespace Xkd.Pipeline;

/// <summary>A drawn resize-crop: the spectrogram sits in the middle of a larger zero canvas, and a box of the canvas becomes the new spectrogram.</summary>
/// <param name="CanvasHeight">Bands of the canvas.</param>
/// <param name="CanvasWidth">Frames of the canvas.</param>
/// <param name="Box">Part of the canvas to keep: rows are bands, columns are frames.</param>
public sealed record SpectrogramCrop(int CanvasHeight, int CanvasWidth, CropBox Box);
