namespace Xkd.Model.Training;

/// <summary>Which checkpoints a run keeps.</summary>
public sealed record CheckpointStoreOptions
{
    /// <summary>Newest checkpoints kept. Default 2: one may turn out broken. At least 1.</summary>
    public int Keep { get; init; } = 2;

    /// <summary>Besides those, every checkpoint whose step is a multiple of this is kept for good, in optimizer steps. Default 0: none.</summary>
    public long KeepEvery { get; init; }
}
