namespace Xkd.Bench;

/// <summary>What a simulated ingest came to.</summary>
/// <param name="Seconds">To the end of the last worker.</param>
/// <param name="MergeSeconds">The merge after it.</param>
/// <param name="CoreSeconds">Cores times the time of each worker, to its own end.</param>
/// <param name="Done">Clips committed.</param>
/// <param name="Commits">Commits of clips.</param>
/// <param name="Conflicts">Manifests that another worker's forestalled.</param>
/// <param name="Failures">Workers that died.</param>
/// <param name="Committing">Share of the workers' time in which they waited for commits, conflicts and merges of segments included.</param>
/// <param name="Conflicting">Of which: after a conflict.</param>
/// <param name="Merging">Of which: merging segments.</param>
/// <param name="Failing">Share of the workers' time that failures took: lost work, restart, opening.</param>
/// <param name="ManifestBytes">Of all versions together.</param>
/// <param name="Segments">Named by the last manifest.</param>
internal sealed record IngestOutcome(
    double Seconds, double MergeSeconds, double CoreSeconds, long Done, long Commits, long Conflicts, long Failures,
    double Committing, double Conflicting, double Merging, double Failing, double ManifestBytes, int Segments);
