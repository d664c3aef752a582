using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>What a start of a run would do; finding it out writes nothing.</summary>
public sealed record TrainingForecast
{
    /// <summary>The caches with their versions and clips, in a line.</summary>
    public required string Data { get; init; }

    /// <summary>Steps done by the run that would be continued; null where one would be started.</summary>
    public required long? Done { get; init; }

    /// <summary>Optimizer steps of an epoch.</summary>
    public required long StepsPerEpoch { get; init; }

    /// <summary>The step after which this start ends.</summary>
    public required long EndStep { get; init; }

    /// <summary>Parameters that are trained, and all.</summary>
    public required (long Trainable, long Total) Parameters { get; init; }

    /// <summary>Estimate of the memory of one step: parameters, gradients, moments and activations, bytes.</summary>
    public required double Memory { get; init; }

    /// <summary>Looks at configuration, caches and run folder as a start would.</summary>
    /// <exception cref="UsageException">They do not go together.</exception>
    public static async Task<TrainingForecast> OfAsync(TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var config = options.Config;
        config.Check();
        var origin = TrainerParts.Prepare(options, writer: null);
        var mix = RunData.Open(options, origin);
        ClipFeed feed = new(mix, config.ToFeed(origin.MelMean, origin.MelStd, new PipelineGraphOptions(), Environment.ProcessorCount));
        await using (feed.ConfigureAwait(false))
        {
            var steps = new TrainingSchedule(config, feed.StepsPerEpoch).Steps;
            var cost = ModelCost.Of(config);
            var rates = DeviceRates.H200 with { Lower = XkdStep.Lowers(config, Devices.Parse(options.Device)) }; // memory depends on nothing else of them
            return new TrainingForecast
            {
                Data = RunData.Describe(mix),
                Done = new RunFolder(options.Out).HasRun ? new CheckpointStore(options.Out).Steps().Max() : null,
                StepsPerEpoch = feed.StepsPerEpoch,
                EndStep = Math.Min(steps, options.MaxSteps ?? steps),
                Parameters = (cost.Trainable, cost.Total),
                Memory = StepPlan.Of(config, rates, config.Batch / config.Train.Accumulate).Memory,
            };
        }
    }
}
