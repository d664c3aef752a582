namespace Xkd.Model.Configuration;

/// <summary>How the gaussian kernels' widths are chosen.</summary>
public enum MmdBandwidth
{
    /// <summary>The gammas as given.</summary>
    Fixed,

    /// <summary>Each gamma divided by the batch's median squared distance.</summary>
    Median,
}
