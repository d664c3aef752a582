using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>What ranks other than the first have to say: only what is theirs alone, on standard error, under their number.</summary>
internal sealed class OtherRankNotes(int rank) : ITrainingObserver
{
    public void Note(string text) => Console.Error.WriteLine(PrintableText.Line($"[rank {rank}] {text}"));

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps)
    {
    }
}
