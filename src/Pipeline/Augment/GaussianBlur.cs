namespace Xkd.Pipeline;

/// <summary>A Gaussian blur with its own width in each direction.</summary>
/// <param name="KernelSize">Taps in each direction, odd, less than twice the frame's side.</param>
/// <param name="SigmaX">Standard deviation across, in pixels.</param>
/// <param name="SigmaY">Standard deviation down, in pixels.</param>
public sealed record GaussianBlur(int KernelSize, double SigmaX, double SigmaY)
{
    /// <summary>The kernel the reference gives a frame of that side: a tenth of it, made odd.</summary>
    public static int KernelFor(int size) => (int)(0.1 * size) / 2 * 2 + 1;
}
