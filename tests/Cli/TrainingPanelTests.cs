using Spectre.Console;
using Spectre.Console.Rendering;
using Xkd.Cli.Hosting;
using Xkd.Model.Training;
using Xkd.Pipeline;

namespace Xkd.Cli.Tests;

public sealed class TrainingPanelTests : IDisposable
{
    private const int Width = 100, Epochs = 30;

    private readonly StringWriter _output = new();
    private readonly IAnsiConsole _console;
    private IRenderable? _shown;

    public TrainingPanelTests()
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(_output) });
        _console.Profile.Width = Width;
    }

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Steps_TwoIntervals_ShowsTheLossAsACurveAndEverythingOfTheLine()
    {
        TrainingPanel panel = new(_console, Epochs, shown => _shown = shown);
        panel.Steps([.. Enumerable.Range(1, 20).Select(i => Step(i, 3 - (0.1 * i)))], totalSteps: 80);
        panel.Feed(GraphReport.Of("feed", 2, [Stage("read", 0.25, 1.5), Stage("augment", 0.75, 0.5)]));
        var lines = Lines();

        Assert.All(lines, line => Assert.Equal(Width - "^C".Length - 1, line.Length)); // an echoed ^C must not wrap: the border would be drawn twice
        Assert.Contains(lines, line => line.Contains("progress", StringComparison.Ordinal) && line.Contains("█████░░░░░░░░░░░░░░░ 25.0 %, step 20 of 80, epoch 3/30, ETA 30s", StringComparison.Ordinal) && line.Contains("ETA 30s", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("loss            1.9500  ██▇▇▇▆▆▅▅▅▄▄▄▃▃▂▂▂▁▁ ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("500 ms/step, 8.0 samples/s, data wait 2.0 %, MFU 40.0 %", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("lr 1.0e-4, gradient norm 0.70", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("rss 2.00 GB, gpu 3.00 GB", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("augment         ███████████████░░░░░ busy 75 %, 0.5 queued", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_NoteWhileThePanelStands_IsPrintedAbove()
    {
        await TrainingPanel.RunAsync(_console, Epochs, observer =>
        {
            observer.Steps([Step(1, 2)], 10);
            observer.Note("DISK FULL at step 1");
            return Task.FromResult(0);
        });

        Assert.Contains("DISK FULL at step 1", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Line_OneInterval_HoldsEveryFigure()
    {
        var line = new Pace(Epochs).Next([Step(1, 2), Step(2, 4)], 4).Line;
        Assert.Equal("step 2/4 (50.0%) | epoch 3/30 | loss 3.0000 | recon_video 0.5 kd_v2a 5.25 | 500 ms/step, 8.0 samples/s, data wait 2.0 %, MFU 40.0 % | "
            + "lr 1.0e-4 | grad 0.70 | rss 2.00 GB, gpu 3.00 GB | ETA 1s", line);
    }

    [Fact]
    public void Line_OnACpu_HasNoMfu() =>
        Assert.DoesNotContain("MFU", new Pace(Epochs).Next([Step(1, 2) with { GpuMemory = 0 }], 4).Line, StringComparison.Ordinal); // of a peak that is another at each start

    [Theory]
    [InlineData(new[] { 1.0, 2, 3, 4, 5, 6, 7, 8 }, 8, "▁▂▃▄▅▆▇█")]
    [InlineData(new[] { 8.0, 8, 1, 1 }, 2, "█▁")]
    [InlineData(new[] { 1.0, double.NaN, 2 }, 8, "▁!█")]
    [InlineData(new[] { 5.0, 5 }, 8, "▁▁")]
    [InlineData(new double[0], 8, "")]
    public void Of_Values_SpanTheLevels(double[] values, int width, string expected) => Assert.Equal(expected, Sparkline.Of(values, width));

    private string[] Lines()
    {
        _console.Write(_shown!);
        return _output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }

    private static StageReport Stage(string name, double busy, double queued) => new()
    {
        Name = name, Parallelism = 1, Count = 10, Failed = 0, MeanMs = 5, P50Ms = 5, P99Ms = 9, PutWait = 0.1, GetWait = 0.1, Occupancy = queued, Utilisation = busy, Bytes = 0,
    };

    private static StepMetrics Step(long step, double loss) => new()
    {
        Step = step, Epoch = 2, Position = step * 4, Scalars = new OrderedDictionary<string, double> { ["recon_video"] = 0.5, ["kd_v2a"] = 5.25, ["loss"] = loss, ["grad_norm"] = 0.7 },
        Lr = 1e-4, Wd = 0.3, EmaVideo = 0.99, EmaAudio = 0.99, Ms = 500, SamplesPerSecond = 8, DataWait = 0.02, Mfu = 0.4, LiveTensors = 900, Rss = 2_000_000_000,
        GpuMemory = 3_000_000_000,
    };
}
