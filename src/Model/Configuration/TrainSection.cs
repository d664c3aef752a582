using Xkd.Model.Training;

namespace Xkd.Model.Configuration;

/// <summary>How the run is computed, kept and watched; nothing here changes what is learned but for rounding.</summary>
public sealed record TrainSection
{
    /// <summary>Steps between log lines, which is also when metrics leave the device. Default 10.</summary>
    public int LogEvery { get; init; } = 10;

    /// <summary>Steps between checkpoints. Default 1000.</summary>
    public int CheckpointEvery { get; init; } = 1000;

    /// <summary>Newest checkpoints kept. Default 2.</summary>
    public int CheckpointKeep { get; init; } = 2;

    /// <summary>Every checkpoint at a multiple of this many steps is kept for good; 0: none. Default 0.</summary>
    public long CheckpointKeepEvery { get; init; }

    /// <summary>When the disk has no room for a checkpoint: stop with the last good one, or continue without. Default stop.</summary>
    public FullDiskPolicy OnFullDisk { get; init; }

    /// <summary>Intra-op threads of libtorch; 0: one per core. Default 0.</summary>
    public int Threads { get; init; }

    /// <summary>What the forward pass computes in: float32, bfloat16, or auto, which is bfloat16 on a GPU. Default auto.</summary>
    public Precision Precision { get; init; }

    /// <summary>Write TensorBoard events beside metrics.jsonl. Default true.</summary>
    public bool Tensorboard { get; init; } = true;

    /// <summary>Steps between pictures in TensorBoard: a clip of the batch, what its masks leave, and the reconstruction; 0: none. Default 1000.</summary>
    public long ImagesEvery { get; init; } = 1000;
}
