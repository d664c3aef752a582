namespace Xkd.Model.Native;

/// <summary>Which of its code paths MKL, libtorch's matrix library, takes on this processor.</summary>
/// <param name="Fast">The one for the processor's vector instructions; otherwise the general one, which has about half of its speed.</param>
/// <param name="Reason">Why it is this one.</param>
/// <param name="Other">The value of <see cref="Variable"/> that gives the other one; null where there is no choice.</param>
public sealed record MklPath(bool Fast, string Reason, string? Other)
{
    /// <summary>The environment variable that chooses: <c>auto</c>, the default, or <c>off</c>, which leaves MKL to itself.</summary>
    public const string Variable = "XKD_MKL";

    /// <summary>"fast" or "general": a run begun on the one and continued on the other differs in the last bits.</summary>
    public string Name => Fast ? "fast" : "general";
}
