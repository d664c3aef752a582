using Xkd.Model.Torch;

namespace Xkd.Model.Method;

/// <summary>
/// How the run is computed, kept and watched; nothing here changes what is learned but for rounding, except that <see cref="Accumulate"/>, as the number of
/// ranks does, sets how many clips each alignment sees.
/// </summary>
public sealed record TrainSection
{
    /// <summary>Steps between log lines, which is also when metrics leave the device. Default 10.</summary>
    [Within(1, 1_000_000_000)]
    public int LogEvery { get; init; } = 10;

    /// <summary>Steps between checkpoints. Default 1000.</summary>
    [Within(1, 1_000_000_000)]
    public int CheckpointEvery { get; init; } = 1000;

    /// <summary>Newest checkpoints kept. Default 2.</summary>
    [Within(2, 1_000_000)]
    public int CheckpointKeep { get; init; } = 2;

    /// <summary>Every checkpoint at a multiple of this many steps is kept for good; 0: none. Default 0.</summary>
    [Within(0, long.MaxValue)]
    public long CheckpointKeepEvery { get; init; }

    /// <summary>When the disk has no room for a checkpoint: stop with the last good one, or continue without. Default stop.</summary>
    public FullDiskPolicy OnFullDisk { get; init; }

    /// <summary>Intra-op threads of libtorch; 0: one per core. Default 0.</summary>
    [Within(0, 1024)]
    public int Threads { get; init; }

    /// <summary>What the forward pass computes in: float32, bfloat16, or auto, which is bfloat16 on a GPU. Default auto.</summary>
    public Precision Precision { get; init; }

    /// <summary>
    /// What does the norms, additions and GELUs between bfloat16 products on a GPU: plain operations of libtorch; auto, which is XKD's own kernels where libnvrtc is
    /// there and they agree with libtorch's operations; or narrow, which is the same with the residual stream in bfloat16 too, faster and rounded more. Default auto.
    /// </summary>
    public KernelChoice Kernels { get; init; }

    /// <summary>
    /// Parts into which each rank's share of a batch is cut, so that a small device can train with a large batch: gradients are averaged over them. All but
    /// alignment is as with the whole batch; alignment compares distributions, and sees the batch / (ranks · accumulate) clips of one part. Default 1.
    /// </summary>
    [Within(1, 1_000_000)]
    public int Accumulate { get; init; } = 1;

    /// <summary>What gradients travel in between ranks: float32, or bfloat16 in half the bytes and rounded. Auto is float32. Default auto.</summary>
    public Precision Wire { get; init; }

    /// <summary>Steps between comparisons of all ranks' parameters, teachers, moments and centres, bit for bit; 0: never. Default 200.</summary>
    [Within(0, 1_000_000_000)]
    public int CompareEvery { get; init; } = 200;

    /// <summary>Write TensorBoard events beside metrics.jsonl. Default true.</summary>
    public bool Tensorboard { get; init; } = true;

    /// <summary>Steps between pictures in TensorBoard: a clip of the batch, what its masks leave, and the reconstruction; 0: none. Default 1000.</summary>
    [Within(0, long.MaxValue)]
    public long ImagesEvery { get; init; } = 1000;
}

/// <summary>What the forward pass computes in. Parameters, gradients, optimizer and losses are float32 always.</summary>
public enum Precision
{
    /// <summary>bfloat16 on a GPU, float32 on the CPU, where bfloat16 is slower.</summary>
    Auto,

    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>Matrix products in bfloat16 (libtorch's autocast).</summary>
    Bfloat16,
}

/// <summary>What a run does when the disk has no room for a checkpoint.</summary>
public enum FullDiskPolicy
{
    /// <summary>End with the last good checkpoint: make room, and resume.</summary>
    Stop,

    /// <summary>Say so, count it, and go on; the next checkpoint is tried when it is due. A run does not end well without its last one.</summary>
    Continue,
}
