using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>Where a run stands in its data, all ranks together.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="TailUsed">Under the skip policy: places used of the tail of the epoch that the next step belongs to.</param>
/// <param name="Skipped">Damaged rows left out so far.</param>
internal sealed record RunPosition(long Step, IReadOnlyList<int> TailUsed, long Skipped)
{
    public static RunPosition Start { get; } = new(0, [], 0);
}

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

    /// <summary>
    /// Writes the checkpoint of no step, of rank 0: there always is one to go back to, a disk that has no room for it is told of at once, and a run without any has lost its own.
    /// </summary>
    /// <exception cref="FullDiskException">There is no room.</exception>
    public void Begin()
    {
        if (Directory.Exists(_store.PathOf(0)))
        {
            Directory.Delete(_store.PathOf(0), recursive: true); // of a start that was ended before it was one
        }

        Write(RunPosition.Start);
    }

    /// <summary>Puts the newest good checkpoint into place, on all ranks; where the run begins, what rank 0 was drawn as.</summary>
    /// <param name="begins">Whether the run began just now; asked of rank 0.</param>
    /// <exception cref="FailureException">No checkpoint is left to continue from; the run is as it was.</exception>
    public RunPosition Restore(bool begins)
    {
        var position = ranks.FromFirst(() => begins ? RunPosition.Start : Read()); // the others need not see the run's folder
        if (ranks.Size > 1)
        {
            foreach ((_, var value) in step.ExportState())
            {
                ranks.Broadcast(value);
            }
        }

        return position;
    }

    /// <summary>Writes a checkpoint; of rank 0. On a full disk, if the run is to go on, it is left out and counted.</summary>
    /// <param name="position">Of all ranks.</param>
    /// <param name="last">The run ends here, so that there will be no other.</param>
    /// <param name="journal">Written before: a resumed run tells its curve up to the checkpoint.</param>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop, or has come to its last step.</exception>
    public void Save(RunPosition position, bool last, RunJournal journal)
    {
        try
        {
            journal.FlushLines();
            Write(position);
        }
        catch (FullDiskException e) when (config.Train.OnFullDisk == FullDiskPolicy.Continue && !last)
        {
            journal.CheckpointsMissed++;
            observer.Note($"DISK FULL at step {position.Step}: {e.Message} Training goes on without it (train.on_full_disk: continue); {journal.CheckpointsMissed} missed so far, " +
                $"the last good one is of step {(_store.Steps() is [long good, ..] ? good : 0)}");
        }
    }

    private void Write(RunPosition position)
    {
        var yaml = ConfigBinder.ToYaml(config);
        using var scope = NewDisposeScope();
        List<WeightTensor> model = [], optimizer = [];
        string? broken = null;
        foreach ((var name, var value) in step.ExportState())
        {
            var isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
            var tensor = TensorBytes.Borrow(isModel ? name[ModelPrefix.Length..] : name, value); // no step is taken before it is written
            (isModel ? model : optimizer).Add(tensor);
            broken ??= FiniteValues.Only(tensor) ? null : tensor.Name;
        }

        if (broken is not null)
        {
            throw new FailureException($"step {position.Step}: the parameter {broken} is not finite; no checkpoint is written, and that of step {(_store.Steps() is [long good, ..] ? good : 0)} stays. "
                + "Lower optim.lr or optim.warmup_lr, or continue from it with other settings into a new run");
        }

        _store.Write(
            new CheckpointState
            {
                Step = position.Step,
                Epoch = (int)(position.Step / stepsPerEpoch),
                Position = position.Step % stepsPerEpoch * config.Batch,
                TailUsed = [.. position.TailUsed],
                Skipped = position.Skipped,
                ManifestVersion = origin.Caches[0].ManifestVersion,
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
        const string Fix = "put it back from a copy, or train into another --out; nothing was changed";
        using var checkpoint = _store.OpenLatest() ?? throw new FailureException($"{run.Path} has no checkpoint to continue from, though each run begins with one in {_store.Folder}: {Fix}");
        if (checkpoint.State.Step < _store.Steps()[0] && checkpoint.State.Step == 0)
        {
            throw new FailureException($"no checkpoint in {_store.Folder} is whole but that of the start, from which all would be done again: {Fix}");
        }

        // Each straight into place: a run that fits into memory does so when it is resumed.
        step.ImportState(
            checkpoint.Model.Entries.Select(e => (Name: ModelPrefix + e.Key, e.Value.Shape)).Concat(checkpoint.Optimizer.Entries.Select(e => (Name: e.Key, e.Value.Shape)))
                .ToDictionary(e => e.Name, e => e.Shape, StringComparer.Ordinal),
            (name, value) =>
            {
                var isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
                TensorBytes.Read(isModel ? checkpoint.Model : checkpoint.Optimizer, isModel ? name[ModelPrefix.Length..] : name, value);
            });
        observer.Note($"continuing {run.Path} after step {checkpoint.State.Step}");
        return new RunPosition(checkpoint.State.Step, checkpoint.State.TailUsed, checkpoint.State.Skipped);
    }
}
