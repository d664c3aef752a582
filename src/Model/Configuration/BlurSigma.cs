namespace Xkd.Model.Configuration;

/// <summary>Where the blur's width comes from.</summary>
public enum BlurSigma
{
    /// <summary>One sigma in [0.1, 2.0] drawn per clip, as the paper describes.</summary>
    Drawn,

    /// <summary>(0.1, 2.0) taken as (sigma x, sigma y), as the released code does.</summary>
    Released,
}
