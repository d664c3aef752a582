using System.Globalization;
using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>How a start of a run ended, or would go, in sentences.</summary>
internal static class TrainingText
{
    /// <summary>One line: what is done, and why it ended.</summary>
    public static string Of(TrainResult result, TrainerOptions options)
    {
        var steps = $"{result.Steps} of {result.TotalSteps} steps";
        var missed = result.CheckpointsMissed > 0 ? $"; the disk was full for {result.CheckpointsMissed} checkpoints, which are missing" : string.Empty;
        return result switch
        {
            { Stopped: true } => $"{options.Out}: stopped after {steps}{missed}",
            { Last: null } when result.Steps < result.TotalSteps => $"{options.Out}: --max-steps is reached: {steps} were done before",
            { Last: null } => $"{options.Out}: already complete, {result.Steps} steps",
            _ => string.Create(CultureInfo.InvariantCulture, $"{options.Out}: {steps}, peak RSS {result.PeakRss / 1e9:f2} GB{missed}"),
        };
    }

    /// <summary>What to do next.</summary>
    public static IEnumerable<string> Next(TrainResult result, TrainerOptions options) => result.Stopped || result.Steps < result.TotalSteps
        ? [$"xkd train --out {options.Out} --resume"]
        :
        [
            $"xkd report {options.Out} --out {options.Out}.html",
            $"xkd eval svm --weights {options.Out} --train LABELLED_CACHE --val LABELLED_CACHE --out RESULTS",
        ];

    private static string Start(TrainingForecast forecast) => forecast.Done switch
    {
        null => "would begin",
        long done when done >= forecast.EndStep => $"is already complete, {done} steps",
        long done => $"would go on after step {done}",
    };

    /// <summary>What a start would do, a line each.</summary>
    public static IEnumerable<string> Of(TrainingForecast forecast, TrainerOptions options)
    {
        yield return $"dry run, nothing is written: {options.Out} {Start(forecast)}";
        yield return $"data: {forecast.Data}";
        yield return $"steps: {forecast.EndStep}, {forecast.StepsPerEpoch} an epoch, {options.Config.Optim.Epochs} epochs in all";
        var (trainable, total) = forecast.Parameters;
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"model: {trainable / 1e6:f3} M trainable of {total / 1e6:f3} M parameters; a step takes about {forecast.Memory / 1e9:f1} GB of memory");
    }
}
