using Spectre.Console;
using Spectre.Console.Rendering;
using Xkd.Model.Training;
using Xkd.Pipeline;

namespace Xkd.Cli.Hosting;

/// <summary>
/// The run on a terminal: a panel that stays in place and is redrawn at each log interval, with the loss as a curve and the feed's queues; what the run says is
/// printed above it.
/// </summary>
internal sealed class TrainingPanel(IAnsiConsole console, int epochs, Action<IRenderable> show) : ITrainingObserver
{
    private const int Kept = 1 << 12, BarWidth = 20, Labels = 14, Frame = 8, Echo = 3;

    private readonly Pace _pace = new(epochs);
    private readonly Queue<double> _losses = new();
    private IntervalSummary? _summary;
    private GraphReport? _feed;
    private RunVerdict? _verdict;

    /// <summary>Runs <paramref name="work"/> with an observer that keeps the panel up to date, until the work ends.</summary>
    public static async Task<T> RunAsync<T>(IAnsiConsole console, int epochs, Func<ITrainingObserver, Task<T>> work) =>
        await console.Live(new Text("starting")).Overflow(VerticalOverflow.Crop)
            .StartAsync(context => work(new TrainingPanel(console, epochs, context.UpdateTarget))).ConfigureAwait(false);

    public void Note(string text) => console.WriteLine(PrintableText.Line(text));

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps)
    {
        _summary = _pace.Next(steps, totalSteps);
        foreach (var step in steps)
        {
            _losses.Enqueue(step.Loss);
        }

        while (_losses.Count > Kept)
        {
            _losses.Dequeue();
        }

        show(Render());
    }

    public void Health(RunVerdict verdict)
    {
        _verdict = verdict;
        show(Render());
    }

    public void Feed(GraphReport report)
    {
        _feed = report;
        show(Render());
    }

    private Panel Render()
    {
        var s = _summary ?? throw new InvalidOperationException("nothing to show before the first step");
        var grid = new Grid().AddColumn(new GridColumn().Width(Labels).NoWrap()).AddColumn(new GridColumn());
        Row("progress", $"{Bar(s.Share)} {s.Share:p1}, step {s.Last.Step} of {s.TotalSteps}, {s.Epoch}, ETA {s.Eta}");
        Row("loss", $"{s.Mean(m => m.Loss):f4}  {Sparkline.Of([.. _losses], Math.Max(8, console.Profile.Width - Echo - Labels - Frame - 10))}");
        Row("terms", string.Join(", ", s.Terms));
        Row("health", _verdict?.Summary ?? string.Empty);
        Row("speed", s.Speed);
        Row("optimizer", $"{s.Lr}, gradient norm {s.GradNorm}");
        Row("memory", $"{s.Memory}, {s.Last.LiveTensors} tensors");
        foreach (var stage in _feed?.Stages ?? [])
        {
            Row(stage.Title, $"{Bar(stage.Utilisation)} busy {stage.Utilisation,4:p0}, {stage.Occupancy:f1} queued, {stage.MeanMs:f1} ms each");
        }

        // Room for the ^C that a terminal echoes at the end of the last line: if it wrapped, the next frame would be drawn a line too low.
        return new Panel(grid) { Header = new PanelHeader("training"), Width = console.Profile.Width - Echo };

        void Row(string label, string text) => grid.AddRow(new Text(label), new Text(text));
    }

    private static string Bar(double share)
    {
        var filled = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        return new string('█', filled) + new string('░', BarWidth - filled);
    }
}
