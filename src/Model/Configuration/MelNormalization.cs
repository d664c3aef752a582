namespace Xkd.Model.Configuration;

/// <summary>Where the log-mel's mean and standard deviation come from.</summary>
public enum MelNormalization
{
    /// <summary>The statistics in the cache's manifest.</summary>
    Cache,

    /// <summary>−5.3688107 and 4.410007, which the released weights were trained with.</summary>
    Released,
}
