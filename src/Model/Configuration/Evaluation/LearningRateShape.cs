namespace Xkd.Model.Configuration;

/// <summary>The course of the learning rate.</summary>
public enum LearningRateShape
{
    /// <summary>A warm-up, then half a cosine.</summary>
    Cosine,

    /// <summary>A warm-up, then the base rate.</summary>
    WarmupFixed,

    /// <summary>The base rate from the first step on.</summary>
    Fixed,

    /// <summary>A warm-up, then the base rate multiplied by gamma at each milestone.</summary>
    Step,
}
