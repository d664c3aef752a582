namespace Xkd.Model.Evaluation;

/// <summary>What is done to features before a linear classifier sees them.</summary>
public enum FeatureScaling
{
    /// <summary>As the network gives them: what the released video and audio scripts do, whatever their comments say.</summary>
    None,

    /// <summary>Each vector to unit length: what the released audio-visual script does.</summary>
    UnitLength,

    /// <summary>Each feature to mean 0 and deviation 1 over the training windows.</summary>
    Standardise,
}
