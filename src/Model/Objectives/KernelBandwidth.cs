namespace Xkd.Model.Objectives;

/// <summary>The scale of the alignment loss's gaussian kernels.</summary>
public enum KernelBandwidth
{
    /// <summary>gamma = 1e-3 … 1e3 on plain squared distances (released code).</summary>
    Fixed,

    /// <summary>
    /// The same gammas on squared distances divided by their median over all pairs of different rows. At the published width independent rows lie about
    /// 16,000 apart, so that every fixed kernel vanishes off the diagonal and its gradient with it; this keeps one alive.
    /// </summary>
    Median,
}
