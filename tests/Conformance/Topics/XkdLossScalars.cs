using Xkd.Model;

namespace Xkd.Conformance.Topics;

/// <summary>Compares a step's scalars under the names of the reference.</summary>
internal static class XkdLossScalars
{
    // What the float64 run of the reference gives; terms that contain the discrepancy are computed in double precision here too.
    private static readonly Tolerance WideRun = new(1e-4, 5e-4, 0, 0);

    /// <param name="check">Where to compare.</param>
    /// <param name="golden">The case.</param>
    /// <param name="values">The scalars of the step.</param>
    /// <param name="prefix">Empty, or <c>stepN/</c>.</param>
    /// <param name="tight">Compare with the float64 run too; later steps have drifted apart by rounding.</param>
    public static void Compare(GoldenCheck check, GoldenCase golden, XkdLossValues values, string prefix, bool tight)
    {
        foreach (var (name, value) in new (string, double)[]
        {
            ("vid_recon_loss", values.ReconVideo), ("aud_recon_loss", values.ReconAudio), ("as2vs_align_loss", values.AlignStudent),
            ("vt2at_align_loss", values.AlignTeacher), ("vt2as_kd_loss", values.KdV2A), ("at2vs_kd_loss", values.KdA2V),
            ("recon_loss", (values.ReconVideo + values.ReconAudio) / 2), ("cmkd_loss", (values.KdV2A + values.KdA2V) / 2),
            ("alignment_loss", (values.AlignStudent + values.AlignTeacher) / 2), ("loss", values.Loss),
        })
        {
            check.Scalar(prefix + name, value);
            if (tight)
            {
                check.Values($"{prefix}{name}_float64", [value], [golden.Scalar($"{prefix}{name}_float64")], WideRun);
            }
        }
    }
}
