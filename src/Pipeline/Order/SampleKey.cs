namespace Xkd.Pipeline;

/// <summary>
/// What every random choice about one training sample depends on, and nothing else: restarting a run, or running it with other
/// workers or ranks, draws the same values.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Epoch">Zero-based epoch.</param>
/// <param name="Position">Zero-based position in the epoch's global order.</param>
public readonly record struct SampleKey(ulong Seed, int Epoch, long Position);
