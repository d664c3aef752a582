using System.Text.Json.Serialization;

namespace Xkd.Model.Training;

/// <summary>One line of <c>metrics.jsonl</c>: an optimizer step, its losses and what it cost.</summary>
public sealed record StepMetrics
{
    /// <summary>Optimizer steps done, counted from 1.</summary>
    [JsonPropertyName("step")]
    public required long Step { get; init; }

    [JsonPropertyName("epoch")]
    public required int Epoch { get; init; }

    /// <summary>Clips consumed in this epoch after this step.</summary>
    [JsonPropertyName("position")]
    public required long Position { get; init; }

    [JsonPropertyName("loss")]
    public required double Loss { get; init; }

    [JsonPropertyName("recon_video")]
    public required double ReconVideo { get; init; }

    [JsonPropertyName("recon_audio")]
    public required double ReconAudio { get; init; }

    [JsonPropertyName("kd_v2a")]
    public required double KdV2A { get; init; }

    [JsonPropertyName("kd_a2v")]
    public required double KdA2V { get; init; }

    [JsonPropertyName("align_student")]
    public required double AlignStudent { get; init; }

    [JsonPropertyName("align_teacher")]
    public required double AlignTeacher { get; init; }

    [JsonPropertyName("mmd_kxx")]
    public required double MmdKxx { get; init; }

    [JsonPropertyName("mmd_kyy")]
    public required double MmdKyy { get; init; }

    [JsonPropertyName("mmd_kxy")]
    public required double MmdKxy { get; init; }

    [JsonPropertyName("lr")]
    public required double Lr { get; init; }

    [JsonPropertyName("wd")]
    public required double Wd { get; init; }

    [JsonPropertyName("ema_video")]
    public required double EmaVideo { get; init; }

    [JsonPropertyName("ema_audio")]
    public required double EmaAudio { get; init; }

    /// <summary>Norm of all gradients together, before clipping.</summary>
    [JsonPropertyName("grad_norm")]
    public required double GradNorm { get; init; }

    /// <summary>Wall-clock milliseconds from the end of the step before to the end of this one.</summary>
    [JsonPropertyName("ms")]
    public required double Ms { get; init; }

    [JsonPropertyName("samples_per_s")]
    public required double SamplesPerSecond { get; init; }

    /// <summary>Share of <see cref="Ms"/> spent waiting for the batch, 0 to 1.</summary>
    [JsonPropertyName("data_wait")]
    public required double DataWait { get; init; }

    /// <summary>Matrix work done per second over the measured peak of this device, 0 to 1.</summary>
    [JsonPropertyName("mfu")]
    public required double Mfu { get; init; }

    /// <summary>Damaged rows left out since the run began; 0 unless <c>data.on_corrupt</c> is skip.</summary>
    [JsonPropertyName("skipped")]
    public long Skipped { get; init; }

    /// <summary>Checkpoints that a full disk has cost since this start of the run; 0 unless <c>train.on_full_disk</c> is continue.</summary>
    [JsonPropertyName("checkpoints_missed")]
    public long CheckpointsMissed { get; init; }

    /// <summary>Entropy of what the video teacher would say if it said its centre always, nats; the logarithm of the number of logits is uniform.</summary>
    [JsonPropertyName("center_entropy_video")]
    public double CenterEntropyVideo { get; init; }

    /// <summary>The same of the audio teacher.</summary>
    [JsonPropertyName("center_entropy_audio")]
    public double CenterEntropyAudio { get; init; }

    /// <summary>Mean entropy of the video teacher's centred and sharpened outputs, nats; 0 is collapse to one logit.</summary>
    [JsonPropertyName("teacher_entropy_video")]
    public double TeacherEntropyVideo { get; init; }

    /// <summary>The same of the audio teacher.</summary>
    [JsonPropertyName("teacher_entropy_audio")]
    public double TeacherEntropyAudio { get; init; }

    /// <summary>Standard deviation of each of the video student's logits over the batch, mean over the logits; 0 is collapse to one output.</summary>
    [JsonPropertyName("std_video")]
    public double StdVideo { get; init; }

    /// <summary>The same of the audio student.</summary>
    [JsonPropertyName("std_audio")]
    public double StdAudio { get; init; }

    [JsonPropertyName("live_tensors")]
    public required long LiveTensors { get; init; }

    /// <summary>Resident set size after this step, bytes.</summary>
    [JsonPropertyName("rss")]
    public required long Rss { get; init; }

    /// <summary>Device memory in use, other processes' included, bytes: read once a log interval, the same for its steps. 0 on a CPU or where it cannot be told.</summary>
    [JsonPropertyName("gpu_memory")]
    public required long GpuMemory { get; init; }
}
