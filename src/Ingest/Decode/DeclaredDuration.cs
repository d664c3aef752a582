namespace Xkd.Ingest;

/// <summary>What a container says of its length.</summary>
internal static class DeclaredDuration
{
    // A header that is damaged can say anything up to 292,000 years; a camera that was left on for one is still believed.
    private const double Longest = 366 * 24 * 3600.0;

    /// <summary>The declared seconds; null, as where nothing is declared, of a length that no recording has.</summary>
    public static double? Believed(double seconds) => seconds <= Longest ? seconds : null;
}
