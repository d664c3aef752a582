using Xkd.Pipeline;

namespace Xkd.Model.Profiling;

/// <summary>What the training step costs by itself, on random input.</summary>
public sealed record StepProfile
{
    /// <summary>The device, as libtorch names it.</summary>
    public required string Device { get; init; }

    /// <summary>Intra-op threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Clips a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Mean milliseconds of the forward pass, teachers and objectives included.</summary>
    public required double ForwardMs { get; init; }

    /// <summary>Mean milliseconds of the backward pass.</summary>
    public required double BackwardMs { get; init; }

    /// <summary>Mean milliseconds of clipping, AdamW and the moving averages.</summary>
    public required double OptimizerMs { get; init; }

    /// <summary>Matrix work of one sample, forward and backward, GFLOP.</summary>
    public required double GflopPerSample { get; init; }

    /// <summary>Measured peak of matrix work, TFLOP/s.</summary>
    public required double MatmulTflops { get; init; }

    /// <summary>What it was measured in, and the step computes its products in: float32 or bfloat16.</summary>
    public required string MatmulType { get; init; }

    /// <summary>Bytes: the process's largest resident set, on a GPU what is in use there after the steps.</summary>
    public required long PeakMemory { get; init; }

    /// <summary>The three phases as stages.</summary>
    public required GraphReport Report { get; init; }

    /// <summary>Writes the phases as a Chrome trace.</summary>
    public required Action<Stream> WriteTrace { get; init; }

    /// <summary>Clips a second.</summary>
    public double SamplesPerSecond => 1000 * Batch / (ForwardMs + BackwardMs + OptimizerMs);

    /// <summary>Share of the measured peak, 0 to 1.</summary>
    public double Mfu => SamplesPerSecond * GflopPerSample / (1000 * MatmulTflops);
}
