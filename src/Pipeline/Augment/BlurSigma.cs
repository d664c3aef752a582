namespace Xkd.Pipeline;

/// <summary>Where the width of a blur comes from.</summary>
public enum BlurSigma
{
    /// <summary>One width for both directions, drawn uniformly from the option's range: what the method describes.</summary>
    Drawn,

    /// <summary>The range's ends taken as (across, down), never drawn: what the released code does, practically a vertical blur.</summary>
    Released,
}
