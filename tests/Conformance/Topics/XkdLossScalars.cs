
namespace Xkd.Conformance.Topics;

/// <summary>Compares a step's scalars under the names of the reference.</summary>
internal static class XkdLossScalars
{
    // What the float64 run of the reference gives; terms that contain the discrepancy are computed in double precision here too.
    private static readonly Tolerance WideRun = new(1e-4, 5e-4, 0, 0);

    /// <summary>The terms of the loss, by their names here and there.</summary>
    public static IReadOnlyList<(string Reference, string Ours)> Names { get; } =
    [
        ("vid_recon_loss", "recon_video"), ("aud_recon_loss", "recon_audio"), ("as2vs_align_loss", "align_student"), ("vt2at_align_loss", "align_teacher"),
        ("vt2as_kd_loss", "kd_v2a"), ("at2vs_kd_loss", "kd_a2v"),
    ];

    /// <param name="check">Where to compare.</param>
    /// <param name="golden">The case.</param>
    /// <param name="values">The scalars of the step.</param>
    /// <param name="prefix">Empty, or <c>stepN/</c>.</param>
    /// <param name="tight">Compare with the float64 run too; later steps have drifted apart by rounding.</param>
    public static void Compare(GoldenCheck check, GoldenCase golden, IReadOnlyDictionary<string, double> values, string prefix, bool tight)
    {
        double Mean(string kind) => values.Where(value => value.Key.StartsWith(kind, StringComparison.Ordinal)).Average(value => value.Value);
        (string, double)[] means = [("recon_loss", Mean("recon_")), ("cmkd_loss", Mean("kd_")), ("alignment_loss", Mean("align_")), ("loss", values["loss"])];
        foreach (var (name, value) in Names.Select(name => (name.Reference, values[name.Ours])).Concat(means))
        {
            check.Scalar(prefix + name, value);
            if (tight)
            {
                check.Values($"{prefix}{name}_float64", [value], [golden.Scalar($"{prefix}{name}_float64")], WideRun);
            }
        }
    }
}
