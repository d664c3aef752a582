namespace Xkd.Pipeline;

/// <summary>A drawn mask.</summary>
/// <param name="AlongTime">Frames (true) or bands (false).</param>
/// <param name="Start">First masked.</param>
/// <param name="Length">Masked; zero masks nothing.</param>
public readonly record struct SpectrogramMask(bool AlongTime, int Start, int Length);
