using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Trains for a few rounds of steps as a run does, each beside as many steps on one batch that stays. A round begins with a feed of its
/// own and some steps that are not measured, so that no round lives on what was read ahead in the last.
/// </summary>
public sealed class TrainingProfiler(PretrainConfig config, Cache cache, Device device, IReadOnlyDictionary<string, TimeSpan> delays, TimeProvider time)
{
    private const int Rounds = 5, Warm = 3, Steps = 10, TraceSpans = 1 << 16;

    private readonly List<double> _fed = [], _still = [], _waits = [];

    /// <summary>Runs the rounds.</summary>
    /// <exception cref="UsageException">The cache does not fit the configuration.</exception>
    public async Task<TrainingProfile> RunAsync(CancellationToken stop)
    {
        (var mean, var std) = config.MelScale(cache.Mel);
        PipelineGraphOptions graph = new() { StageDelays = delays, TraceCapacity = TraceSpans };
        var options = config.ToFeed(mean, std, graph);
        ClipFeed feed = new(cache, options);
        await using (feed.ConfigureAwait(false))
        {
            return await OwnThread.RunAsync(() => Run(feed, stop)).ConfigureAwait(false);
        }
    }

    private TrainingProfile Run(ClipFeed feed, CancellationToken stop)
    {
        Devices.SetThreads(config.Train.Threads);
        using HostTensors host = new(device);
        using XkdModel model = new(config, (ulong)config.Seed, device);
        using XkdStep step = new(model);
        TrainingSchedule schedule = new(config, feed.StepsPerEpoch);
        var peak = MatmulPeak.Measure(device, step.ProductType, time);
        for (var round = 0; round < Rounds; round++)
        {
            Round(feed, host, step, schedule.At(Math.Min(round, schedule.Steps - 1)), stop);
        }

        using MemoryStream trace = new();
        feed.WriteTrace(trace);
        var spans = trace.ToArray();
        var rate = Samples.Median(_fed);
        return new TrainingProfile(
            device.ToString(), (long)Rounds * Steps * config.Batch, rate, [.. _still.Zip(_fed, (still, fed) => still / fed)], Samples.Median(_waits),
            rate * ModelCost.Of(config).FlopPerSample / peak, feed.Report(), stream => stream.Write(spans));
    }

    private void Round(ClipFeed feed, HostTensors host, XkdStep step, StepSchedule schedule, CancellationToken stop)
    {
        var kept = NewDisposeScope();
        XkdInput? input = null;
        try
        {
            (var done, long began, long asked) = (0, 0, 0);
            TimeSpan waited = TimeSpan.Zero, planted = delays.GetValueOrDefault(PipelineGraph.Consumer); // the planted delay is the step's, not the data's
            foreach (var batch in feed.ReadAsync(0, Warm + Steps, cancellationToken: stop).ToBlockingEnumerable(CancellationToken.None))
            {
                try
                {
                    waited += done > Warm ? time.GetElapsedTime(asked) - planted : TimeSpan.Zero;
                    began = done == Warm ? time.GetTimestamp() : began;
                    kept.Dispose();
                    kept = NewDisposeScope();
                    input = host.Take(batch);
                    Step(step, input, schedule);
                }
                finally
                {
                    host.Return(batch);
                }

                asked = time.GetTimestamp();
                done++;
            }

            var fed = time.GetElapsedTime(began, asked);
            _fed.Add(Steps * config.Batch / fed.TotalSeconds);
            _waits.Add(waited / fed);
            began = time.GetTimestamp();
            for (var i = 0; i < Steps; i++)
            {
                stop.ThrowIfCancellationRequested();
                Step(step, input!, schedule);
            }

            _still.Add(Steps * config.Batch / time.GetElapsedTime(began).TotalSeconds);
        }
        finally
        {
            kept.Dispose();
        }
    }

    // Reading a loss waits for the device, as flushing the metrics does in a run.
    private static void Step(XkdStep step, XkdInput input, StepSchedule schedule)
    {
        using var scalars = step.Run(input, schedule);
        scalars.Read();
    }
}

/// <summary>What training costs with its feed, beside the same step on one batch that stays. Rates and shares are medians of the rounds.</summary>
/// <param name="Device">The device, as libtorch names it.</param>
/// <param name="Samples">Clips that were fed, over all rounds.</param>
/// <param name="SamplesPerSecond">Clips a second with the feed.</param>
/// <param name="Rounds">Headspace of each round.</param>
/// <param name="DataWait">Share of the time spent waiting for a batch, 0 to 1.</param>
/// <param name="Mfu">Share of the measured peak of matrix work, 0 to 1.</param>
/// <param name="Report">The last round's feed; its consumer is the training step.</param>
/// <param name="WriteTrace">Writes the last round's stage spans as a Chrome trace.</param>
public sealed record TrainingProfile(
    string Device, long Samples, double SamplesPerSecond, IReadOnlyList<double> Rounds, double DataWait, double Mfu, GraphReport Report,
    Action<Stream> WriteTrace)
{
    /// <summary>Rate on a batch that stays over the rate with the feed: what a perfect feed would win.</summary>
    public double Headspace { get; } = Pipeline.Samples.Median(Rounds);
}
