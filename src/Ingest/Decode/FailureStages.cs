namespace Xkd.Ingest;

/// <summary>The stages of an ingest run, as the graph, the ledger and the profiler name them.</summary>
internal static class FailureStages
{
    public const string Catalog = "catalog";
    public const string Probe = "probe";
    public const string Decode = "decode";
    public const string Mel = "mel";
    public const string Write = "write";
}
