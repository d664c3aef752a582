namespace Xkd.Bench;

/// <summary>What a simulated ingest is made of. Times are seconds; the defaults are measured, and bench/results says where.</summary>
internal sealed record IngestModel
{
    public int Workers { get; init; } = 1000;

    public long Clips { get; init; } = 100_000_000;

    /// <summary>Clips of each worker; null divides them as the hash of their ids does, by chance.</summary>
    public IReadOnlyList<long>? Parts { get; init; }

    /// <summary>Decoded at a time by a worker, each on a core of its own.</summary>
    public int Cores { get; init; } = 16;

    /// <summary>Cores that all workers share; 0: each has its own.</summary>
    public double SharedCores { get; init; }

    /// <summary>A clip on one core, and what of it is processor time.</summary>
    public double ClipSeconds { get; init; } = 0.125;

    public double ClipCpu { get; init; } = 0.125;

    public double SourceBytes { get; init; } = 500_000;

    public double CacheBytes { get; init; } = 4_160_000;

    public double ShardBytes { get; init; } = 256L << 20;

    public int ShardRows { get; init; } = 512;

    /// <summary>Bytes and requests a second that the store gives all workers together, and its answer to one request.</summary>
    public double Bandwidth { get; init; } = 100e9;

    public double Requests { get; init; } = 100_000;

    public double Latency { get; init; }

    public double CommitInterval { get; init; } = 30;

    /// <summary>Index, ledger and manifest of one commit, with nobody else there; and of these the manifest, which a conflict repeats.</summary>
    public double CommitSeconds { get; init; } = 0.0009;

    public double PutSeconds { get; init; } = 0.0004;

    /// <summary>To follow another's commit: index and ledger lines; and what each byte of the newest manifest adds.</summary>
    public double FollowSeconds { get; init; } = 0.00005;

    public double FollowPerByte { get; init; }

    /// <summary>Segments merged, a row.</summary>
    public double MergePerRow { get; init; } = 12e-6;

    /// <summary>After a commit that others forestalled: full shards wait this many times what it took.</summary>
    public double RestAfter { get; init; } = 20;

    public double ManifestBytes { get; init; } = 1200;

    public double SegmentBytes { get; init; } = 420;

    public double PartBytes { get; init; } = 45;

    /// <summary>From its start to its first clip, and of an item of the whole data set to list it, and of a line of the ledger to read it.</summary>
    public double StartSeconds { get; init; } = 2;

    public double ListPerItem { get; init; }

    public double LedgerPerItem { get; init; }

    /// <summary>Between two failures of a worker, on average; 0: none. Then the time until it is started again.</summary>
    public double FailureEvery { get; init; }

    public double RestartSeconds { get; init; } = 60;

    /// <summary>The merge at the end, an item.</summary>
    public double FinalPerItem { get; init; }

    /// <summary>How much what a commit consists of takes longer or shorter, by chance, of its time. Without it workers fall into step.</summary>
    public double Jitter { get; init; } = 0.5;

    /// <summary>Ends a simulation in which most workers wait for each other, and which would take days itself.</summary>
    public long MostEvents { get; init; } = 30_000_000;

    public int Seed { get; init; } = 1;
}
