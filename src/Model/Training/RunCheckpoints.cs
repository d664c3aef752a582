using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using Xkd.Model.Configuration;
using Xkd.Model.Distributed;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>A run's state between memory and folder: rank 0 reads and writes, and all ranks hold the same.</summary>
/// <param name="run">The folder.</param>
/// <param name="origin">What the run was started on.</param>
/// <param name="config">What every checkpoint carries along.</param>
/// <param name="step">Model and optimizer.</param>
/// <param name="stepsPerEpoch">To tell epoch and position from a step.</param>
/// <param name="options">The trainer's.</param>
/// <param name="observer">Told what was continued and what a full disk has cost.</param>
/// <param name="ranks">Who else trains.</param>
internal sealed class RunCheckpoints(
    RunFolder run, RunOrigin origin, PretrainConfig config, XkdStep step, long stepsPerEpoch, TrainerOptions options, ITrainingObserver observer, RankGroup ranks)
{
    private const string ModelPrefix = "model/";
    private readonly CheckpointStore _store =
        new(run.Path, new CheckpointStoreOptions { Keep = config.Train.CheckpointKeep, KeepEvery = config.Train.CheckpointKeepEvery }, observer.Note, options.Files);

    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long Missed { get; private set; }

    /// <summary>Puts the newest good checkpoint into place, on all ranks; where there is none, what rank 0 was drawn as.</summary>
    public RunPosition Restore()
    {
        RunPosition position = ranks.FromFirst(Read); // the others need not see the run's folder
        if (ranks.Size > 1)
        {
            foreach ((_, Tensor value) in step.ExportState())
            {
                ranks.Broadcast(value);
            }
        }

        return position;
    }

    /// <summary>Writes a checkpoint; of rank 0. On a full disk, if the run is to go on, it is left out and counted.</summary>
    /// <param name="position">Of all ranks.</param>
    /// <param name="last">The run ends here, so that there will be no other.</param>
    /// <param name="logs">Flushed before: a resumed run tells its curve up to the checkpoint.</param>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop, or has come to its last step.</exception>
    public void Save(RunPosition position, bool last, RunLogs? logs)
    {
        try
        {
            logs?.Flush();
            Write(position);
        }
        catch (FullDiskException e) when (config.Train.OnFullDisk == FullDiskPolicy.Continue && !last)
        {
            Missed++;
            observer.Note($"DISK FULL at step {position.Step}: {e.Message} Training goes on without it (train.on_full_disk: continue); {Missed} missed so far, " +
                $"the last good one is of step {(_store.Steps() is [long good, ..] ? good : 0)}");
        }
    }

    private void Write(RunPosition position)
    {
        string yaml = ConfigBinder.ToYaml(config);
        using DisposeScope scope = NewDisposeScope();
        List<WeightTensor> model = [], optimizer = [];
        foreach ((string name, Tensor value) in step.ExportState())
        {
            bool isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
            (isModel ? model : optimizer).Add(TensorBytes.Borrow(isModel ? name[ModelPrefix.Length..] : name, value)); // no step is taken before it is written
        }

        _store.Write(
            new CheckpointState
            {
                Step = position.Step,
                Epoch = (int)(position.Step / stepsPerEpoch),
                Position = position.Step % stepsPerEpoch * config.Batch,
                TailUsed = [.. position.TailUsed],
                Skipped = position.Skipped,
                ManifestVersion = origin.ManifestVersion,
                Seed = (ulong)config.Seed,
                Config = yaml,
                ConfigHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(yaml))),
                CodeVersion = typeof(RunCheckpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            },
            model,
            optimizer);
    }

    private RunPosition Read()
    {
        using Checkpoint? checkpoint = _store.OpenLatest();
        if (checkpoint is null)
        {
            return RunPosition.Start;
        }

        // Each straight into place: a run that fits into memory does so when it is resumed.
        step.ImportState(
            checkpoint.Model.Entries.Select(e => (Name: ModelPrefix + e.Key, e.Value.Shape)).Concat(checkpoint.Optimizer.Entries.Select(e => (Name: e.Key, e.Value.Shape)))
                .ToDictionary(e => e.Name, e => e.Shape, StringComparer.Ordinal),
            (name, value) =>
            {
                bool isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
                TensorBytes.Read(isModel ? checkpoint.Model : checkpoint.Optimizer, isModel ? name[ModelPrefix.Length..] : name, value);
            });
        observer.Note($"continuing {run.Path} after step {checkpoint.State.Step}");
        return new RunPosition(checkpoint.State.Step, checkpoint.State.TailUsed, checkpoint.State.Skipped);
    }
}
