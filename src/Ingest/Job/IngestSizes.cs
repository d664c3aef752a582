namespace Xkd.Ingest;

/// <summary>What a run takes of its machine: everything that follows from the number of cores.</summary>
internal sealed record IngestSizes
{
    private const double OrdinarySeconds = 12;
    private const double Widescreen = 16.0 / 9;
    private const long LeastBudget = 1L << 30;

    /// <summary>Sources decoded at a time.</summary>
    public required int Workers { get; init; }

    /// <summary>Bytes of payload queued and in flight.</summary>
    public required long MemoryBudget { get; init; }

    /// <summary>Spectrograms, and JPEGs, made at a time.</summary>
    public required int Preparing { get; init; }

    /// <summary>
    /// Bytes of one source's frames, and as many of its samples, kept in memory. All sources being decoded hold half the budget at most: the other half is
    /// what waits behind them.
    /// </summary>
    public long ResidentBytes => Math.Max(1 << 20, MemoryBudget / 4 / Workers);

    /// <summary>Sources that may wait behind a stage: as many as the workers may put there at once. Their bytes are bounded by the budget.</summary>
    public int Queue => Workers;

    /// <param name="options">The run; what it leaves open follows from the machine.</param>
    /// <param name="cores">Cores of this process.</param>
    public static IngestSizes Of(IngestOptions options, int cores)
    {
        var workers = options.Workers > 0 ? options.Workers : cores;

        // Ten seconds of 16:9, the usual clip, must not go through a temporary file, however many are decoded at once.
        var ordinary = (long)Math.Ceiling(OrdinarySeconds * options.Fps) * options.ShortSide * (long)Math.Ceiling(options.ShortSide * Widescreen) * 3;
        return new IngestSizes
        {
            Workers = workers,
            MemoryBudget = options.MemoryBudget ?? Math.Max(LeastBudget, 4 * workers * ordinary),

            // A spectrogram takes a hundredth of the time that decoding does, JPEGs about as much.
            Preparing = options.Frames == Xkd.Storage.FrameCodecs.Jpeg ? workers : (workers + 15) / 16,
        };
    }
}
