using System.Security.Cryptography;
using System.Text;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>
/// One row with one seed: pre-training on the training clips without their labels, then a linear probe of each encoder, fitted on the labelled training clips,
/// its regularisation chosen on a held-out fifth of them; the validation clips only report.
/// </summary>
internal sealed class RowRun(AblationFolder folder, AblationRow row, PretrainConfig config, SvmConfig probe, Terminal terminal, TimeProvider time)
{
    private const WeightBranch Branch = WeightBranch.Teacher;
    private const int FeatureBatch = 64;

    /// <summary>Runs what is left of the row. The training continues from its last checkpoint.</summary>
    /// <param name="device">Where.</param>
    /// <param name="limit">Stop with a checkpoint after this long; null: no limit.</param>
    /// <param name="stop">Stops at the next step.</param>
    /// <returns>The result; null where it was stopped before its end.</returns>
    /// <exception cref="UsageException">The folder holds this row of another configuration or other clips.</exception>
    public async Task<RowResult?> RunAsync(string device, TimeSpan? limit, CancellationToken stop)
    {
        Cache train = Cache.Open(folder.TrainCache), validation = Cache.Open(folder.ValidationCache);
        var inputs = Inputs(train, validation);
        if (Done(inputs) is { } done)
        {
            return done;
        }

        Directory.CreateDirectory(folder.Row(row, config.Seed));
        long steps = 0;
        if (row.Trained)
        {
            TrainerOptions options = new() { Config = config, Data = [folder.TrainCache], Out = folder.Run(row, config.Seed), Resume = ResumeMode.Auto, Device = device, MaxTime = limit };
            var trained = await TrainingView.TrainAsync(options, terminal, time, stop).ConfigureAwait(false);
            if (trained.Stopped)
            {
                return null;
            }

            steps = trained.Steps;
        }

        var start = time.GetTimestamp();
        var where = Devices.Parse(device);
        Devices.SetThreads(config.Train.Threads);
        using var encoder = row.Trained ? FrozenEncoder.OpenRun(folder.Run(row, config.Seed), where, terminal.Line) : FrozenEncoder.Untrained(config, train.Mel, where);
        Dictionary<string, EvaluationResult> probes = new(StringComparer.Ordinal);
        foreach (var modality in row.Modalities)
        {
            var name = modality.ToString().ToLowerInvariant();
            using var one = EvaluationEncoder.Of(encoder, modality, Branch);
            EvaluationResult identity = new()
            {
                Dataset = "avdigits", Protocol = "svm", Modality = name, Branch = Branch.ToString().ToLowerInvariant(), Seed = (ulong)config.Seed, WeightsSha256 = encoder.WeightsSha256,
            };
            probes[name] = await SvmEvaluation.RunAsync([one], train, validation, probe, identity, stop).ConfigureAwait(false);
            await FeatureFiles.WriteAsync([one], validation, folder.Features(row, config.Seed, name), new FeatureFileOptions { Batch = FeatureBatch }, static _ => { }, stop).ConfigureAwait(false);
        }

        RowResult result = new()
        {
            Row = row.Name,
            Seed = config.Seed,
            Inputs = inputs,
            Steps = steps,
            Seconds = time.GetElapsedTime(start).TotalSeconds + (row.Trained ? MetricsLog.Read(new RunFolder(folder.Run(row, config.Seed)).Metrics).Sum(s => s.Ms) / 1000 : 0),
            Device = where.ToString(),
            Probes = probes,
        };
        result.Write(folder.Result(row, config.Seed));
        return result;
    }

    /// <summary>Whether the row is done; it takes a look at the caches, and starts nothing.</summary>
    /// <exception cref="UsageException">The folder holds this row of another configuration or other clips.</exception>
    public bool IsDone() => File.Exists(folder.Result(row, config.Seed)) && Done(Inputs(Cache.Open(folder.TrainCache), Cache.Open(folder.ValidationCache))) is not null;

    private RowResult? Done(string inputs)
    {
        var place = folder.Result(row, config.Seed);
        var done = RowResult.Read(place);
        return done is null || done.Inputs == inputs
            ? done
            : throw new UsageException($"{place} is of another configuration or other clips; write another --out, or delete {folder.Row(row, config.Seed)}");
    }

    private string Inputs(Cache train, Cache validation)
    {
        // How the work is spread and watched is no part of what is learned: a key of `train` that a later version has changes nothing here.
        var learned = ConfigBinder.Leaves(config).Where(static leaf => leaf.Key is "train.precision" or "train.accumulate" || !leaf.Key.StartsWith("train.", StringComparison.Ordinal));
        var text = new StringBuilder(string.Join('\n', learned.Select(static leaf => $"{leaf.Key}={leaf.Value}"))).Append(ConfigBinder.ToYaml(probe));
        foreach (var cache in new[] { train, validation })
        {
            text.Append(cache.ClipsHash());
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
