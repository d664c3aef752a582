namespace Xkd.Ingest;

/// <summary>Why an item failed, in the ledger's words.</summary>
/// <param name="Stage">catalog, probe, decode, mel or write.</param>
/// <param name="Reason">One of <see cref="FailureReasons"/>.</param>
/// <param name="Detail">One line for a person: what was found, what was expected.</param>
internal sealed record ItemFailure(string Stage, string Reason, string Detail)
{
    /// <summary>An error that no file should bring about: of one item it is a failure, of many the run's.</summary>
    public bool Unexpected { get; init; }
}
