namespace Xkd.Storage;

/// <summary>Names of the ways cached frames were made of a source's, as in <see cref="Fingerprint.FrameRule"/>.</summary>
public static class FrameRules
{
    /// <summary>Frame n is the one on screen at n / fps; RGB at the source's size, then scaled bilinearly with exact rounding: the released recipe's.</summary>
    public const string OnScreen = "on_screen";

    /// <summary>Of caches that do not say: the source frame nearest to n / fps, up to half a source frame ahead of the sound; scaled bicubically on its way to RGB.</summary>
    public const string Nearest = "nearest";
}
