using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>What one ingest run did.</summary>
public sealed record IngestResult
{
    /// <summary>Items committed by this run.</summary>
    public int Committed { get; init; }

    /// <summary>Items that failed in this run.</summary>
    public int Failed { get; init; }

    /// <summary>The first ten, by id, of the items that failed in this run: the ledger has all.</summary>
    public IReadOnlyList<LedgerEntry> FirstFailures { get; init; } = [];

    /// <summary>Items settled by earlier runs, failed ones included, and moved ones that are left.</summary>
    public int Skipped { get; init; }

    /// <summary>Of the skipped items, those that failed in earlier runs.</summary>
    public int FailedEarlier { get; init; }

    /// <summary>Where the files were not as the cache had them when the run began.</summary>
    public SourceChanges Changes { get; init; } = new();

    /// <summary>Rows committed by this run: a long item has several.</summary>
    public int Clips { get; init; }

    /// <summary>Items decoded by ffmpeg's libraries in processes that stay; the others had a process of the ffmpeg program each.</summary>
    public int DecodedByLibraries { get; init; }

    /// <summary>From the opened cache to the last commit.</summary>
    public double Seconds { get; init; }

    /// <summary>Rows per second.</summary>
    public double ClipsPerSecond { get; init; }

    /// <summary>Milliseconds of CPU per row, the decoding processes' included.</summary>
    public double CpuMsPerClip { get; init; }

    /// <summary>The run was cancelled; what was complete is committed.</summary>
    public bool Stopped { get; init; }

    /// <summary>The manifest that holds everything committed.</summary>
    public int ManifestVersion { get; init; }

    /// <summary>Where the time went.</summary>
    public required GraphReport Report { get; init; }

    /// <summary>Writes the latest stage spans as a Chrome trace; needs <see cref="IngestOptions.TraceCapacity"/>.</summary>
    public required Action<Stream> WriteTrace { get; init; }
}
