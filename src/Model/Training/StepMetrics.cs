using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Model.Method;

namespace Xkd.Model.Training;

/// <summary>One line of <c>metrics.jsonl</c>: an optimizer step, its losses and what it cost.</summary>
[JsonConverter(typeof(Converter))]
public sealed record StepMetrics
{
    /// <summary>Optimizer steps done, counted from 1.</summary>
    public required long Step { get; init; }

    public required int Epoch { get; init; }

    /// <summary>Clips consumed in this epoch after this step.</summary>
    public required long Position { get; init; }

    /// <summary>When the step ended, milliseconds since 1970 UTC; 0 in lines of before this was kept.</summary>
    public long Time { get; init; }

    /// <summary>
    /// The step's scalars by name, in the order of the computation: the terms of the loss, what is watched beside them, <c>loss</c>, and <c>grad_norm</c>, the norm of all
    /// gradients together before clipping, and <c>clipped</c>, the share of the parameters whose gradient was clipped. A term of weight 0 is absent.
    /// </summary>
    public required IReadOnlyDictionary<string, double> Scalars { get; init; }

    public required double Lr { get; init; }

    public required double Wd { get; init; }

    public required double EmaVideo { get; init; }

    public required double EmaAudio { get; init; }

    /// <summary>Wall-clock milliseconds from the end of the step before to the end of this one.</summary>
    public required double Ms { get; init; }

    public required double SamplesPerSecond { get; init; }

    /// <summary>Share of <see cref="Ms"/> spent waiting for the batch, 0 to 1.</summary>
    public required double DataWait { get; init; }

    /// <summary>Matrix work done per second over the measured peak of this device, 0 to 1.</summary>
    public required double Mfu { get; init; }

    /// <summary>Damaged rows left out since the run began; 0 unless <c>data.on_corrupt</c> is skip.</summary>
    public long Skipped { get; init; }

    /// <summary>Checkpoints that a full disk has cost since this start of the run; 0 unless <c>train.on_full_disk</c> is continue.</summary>
    public long CheckpointsMissed { get; init; }

    public required long LiveTensors { get; init; }

    /// <summary>Resident set size after this step, bytes.</summary>
    public required long Rss { get; init; }

    /// <summary>Device memory in use, other processes' included, bytes: read once a log interval, the same for its steps. 0 on a CPU or where it cannot be told.</summary>
    public required long GpuMemory { get; init; }

    public double Loss => Scalars["loss"];

    public double GradNorm => Scalars[StepScalars.GradNorm];

    /// <summary>All that a line holds but its time, by its name there.</summary>
    [JsonIgnore]
    public IEnumerable<KeyValuePair<string, double>> Values =>
    [
        new("step", Step), new("epoch", Epoch), new("position", Position), .. Scalars, new("lr", Lr), new("wd", Wd), new("ema_video", EmaVideo), new("ema_audio", EmaAudio), new("ms", Ms),
        new("samples_per_s", SamplesPerSecond), new("data_wait", DataWait), new("mfu", Mfu), new("skipped", Skipped), new("checkpoints_missed", CheckpointsMissed),
        new("live_tensors", LiveTensors), new("rss", Rss), new("gpu_memory", GpuMemory),
    ];

    private static readonly HashSet<string> Whole = ["step", "epoch", "position", "skipped", "checkpoints_missed", "live_tensors", "rss", "gpu_memory"];

    /// <summary>A flat object: what is not a scalar of the step has a name of its own, and every other number is one.</summary>
    private sealed class Converter : JsonConverter<StepMetrics>
    {
        public override StepMetrics Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            var all = JsonSerializer.Deserialize<OrderedDictionary<string, double>>(ref reader, options) ?? [];
            double Take(string name) => all.Remove(name, out var value) ? value : throw new JsonException($"it has no {name}");
            double TakeAny(string name) => all.Remove(name, out var value) ? value : 0;
            return new StepMetrics
            {
                Step = (long)Take("step"), Epoch = (int)Take("epoch"), Position = (long)Take("position"), Time = (long)TakeAny("time"),
                Lr = Take("lr"), Wd = Take("wd"), EmaVideo = Take("ema_video"), EmaAudio = Take("ema_audio"),
                Ms = Take("ms"), SamplesPerSecond = Take("samples_per_s"), DataWait = Take("data_wait"), Mfu = Take("mfu"), Skipped = (long)TakeAny("skipped"),
                CheckpointsMissed = (long)TakeAny("checkpoints_missed"), LiveTensors = (long)Take("live_tensors"), Rss = (long)Take("rss"), GpuMemory = (long)Take("gpu_memory"),
                Scalars = all.ContainsKey("loss") && all.ContainsKey(StepScalars.GradNorm) ? all : throw new JsonException("it has no loss and grad_norm"),
            };
        }

        public override void Write(Utf8JsonWriter writer, StepMetrics value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (name, number) in value.Values)
            {
                writer.WritePropertyName(name);
                if (Whole.Contains(name))
                {
                    writer.WriteNumberValue((long)number);
                }
                else
                {
                    JsonSerializer.Serialize(writer, number, options); // what is not finite is written by name
                }
            }

            writer.WriteNumber("time", value.Time);
            writer.WriteEndObject();
        }
    }
}
