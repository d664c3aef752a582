namespace Xkd.Pipeline;

/// <summary>What local views are cut out of.</summary>
public enum LocalFrom
{
    /// <summary>The global window of their modality, as in the paper and the released code. The default.</summary>
    Window,

    /// <summary>The whole clip: a local view may show a moment that no global view does.</summary>
    Clip,
}
