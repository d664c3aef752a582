using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// Resampling of learned positions to another grid. The reference passes scale factors of (n + 0.1) / N, and its sampling grid follows these factors, not
/// the ratio of the sizes: even an axis whose size stays the same is resampled.
/// </summary>
internal static class PositionResampling
{
    private const double Nudge = 0.1;

    /// <summary>Trilinear: [1, prefix + t·h·w, D] on the native grid to [1, prefix + t'·h'·w', D].</summary>
    public static Tensor Resample(Tensor table, int prefix, VideoGrid native, VideoGrid grid)
    {
        var dim = table.shape[2];
        var volume = Patches(table, prefix).reshape(1, native.Time, native.Rows, native.Columns, dim).permute(0, 4, 1, 2, 3); // [1, D, t, h, w]
        double[] factors = [Factor(grid.Time, native.Time), Factor(grid.Rows, native.Rows), Factor(grid.Columns, native.Columns)];
        var resampled = nn.functional.interpolate(volume, scale_factor: factors, mode: InterpolationMode.Trilinear, align_corners: false,
            recompute_scale_factor: false); // [1, D, t', h', w']
        return Join(table, prefix, resampled.permute(0, 2, 3, 4, 1).reshape(1, grid.Tokens, dim)); // [1, prefix + N', D]
    }

    /// <summary>
    /// Bicubic, the mel axis by the ratio of the sizes and the time axis by the nudged factor (reference behaviour): [1, prefix + f·t, D] on the native
    /// grid to [1, prefix + f'·t', D].
    /// </summary>
    public static Tensor Resample(Tensor table, int prefix, AudioGrid native, AudioGrid grid)
    {
        var dim = table.shape[2];
        var image = Patches(table, prefix).reshape(1, native.Bands, native.Time, dim).permute(0, 3, 1, 2); // [1, D, f, t]
        double[] factors = [(double)grid.Bands / native.Bands, Factor(grid.Time, native.Time)];
        var resampled = nn.functional.interpolate(image, scale_factor: factors, mode: InterpolationMode.Bicubic, align_corners: false,
            recompute_scale_factor: false); // [1, D, f', t']
        return Join(table, prefix, resampled.permute(0, 2, 3, 1).reshape(1, grid.Tokens, dim)); // [1, prefix + N', D]
    }

    private static double Factor(int size, int native) => (size + Nudge) / native;

    private static Tensor Patches(Tensor table, int prefix) => table.narrow(1, prefix, table.shape[1] - prefix);

    private static Tensor Join(Tensor table, int prefix, Tensor patches) => prefix == 0 ? patches : cat([table.narrow(1, 0, prefix), patches], 1);
}
