using Xkd.Model.Training;

namespace Xkd.Model.Tests.Training;

public sealed class MetricsLogTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("xkd-metrics-").FullName, "metrics.jsonl");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void Open_AfterACrash_CutsStepsPastTheCheckpointAndTheTornLine()
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append([Step(1), Step(2), Step(3)]);
        }

        File.AppendAllText(_path, "{\"step\": 4, \"lo");
        using (var log = MetricsLog.Open(_path, 2))
        {
            log.Append([Step(3)]);
        }

        Assert.Equal([1, 2, 3], MetricsLog.Read(_path).Select(s => s.Step));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(345)]
    [InlineData(999)]
    [InlineData(1000)]
    public void Open_LogOfManyBlocks_CutsAtTheStep(int completed)
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append(Enumerable.Range(1, 1000).Select(step => Step(step)));
        }

        var before = File.ReadAllText(_path);
        MetricsLog.Open(_path, completed).Dispose();
        var after = File.ReadAllText(_path);
        Assert.StartsWith(after, before);
        Assert.Equal(completed, after.Count(c => c == '\n'));
        Assert.Equal(Enumerable.Range(1, completed).Select(step => (long)step), MetricsLog.Read(_path).Select(s => s.Step));
    }

    [Theory]
    [InlineData("{\"step\": 2, \"loss\": \"x\"}", "line 2 is damaged")]
    [InlineData("{\"loss\": 1}", null)]
    [InlineData("[1]", null)]
    [InlineData("{\"step\": \"two\"}", null)]
    public void Read_LineThatIsNoStep_IsPassedOverOrNamed(string line, string? expected)
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append([Step(1)]);
        }

        File.AppendAllText(_path, line + "\n");
        if (expected is null)
        {
            Assert.Equal([1L], MetricsLog.Read(_path).Select(s => s.Step));
        }
        else
        {
            Assert.Contains(expected, Assert.Throws<Storage.FailureException>(() => MetricsLog.Read(_path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_EndThatAPowerCutLeftEmpty_CutsIt()
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append([Step(1), Step(2)]);
        }

        var whole = new FileInfo(_path).Length;
        File.AppendAllText(_path, new string('\0', 200_000));
        MetricsLog.Open(_path, 5).Dispose();
        Assert.Equal(whole, new FileInfo(_path).Length);
    }

    [Fact]
    public void ReadFrom_LineThatIsBeingWritten_IsLeftForTheNextCall()
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append([Step(1), Step(2), Step(3)]);
        }

        var (length, step) = MetricsLog.UpTo(_path, 1);
        Assert.Equal(1, step);
        var whole = File.ReadAllBytes(_path);
        File.WriteAllBytes(_path, whole[..^5]);
        var (read, end) = Assert.Single(MetricsLog.ReadFrom(_path, length));
        Assert.Equal((2, 2), (read.Step, MetricsLog.UpTo(_path, long.MaxValue).Step));
        File.WriteAllBytes(_path, whole);
        Assert.Equal((3L, whole.Length), Assert.Single(MetricsLog.ReadFrom(_path, end).Select(line => (line.Step.Step, (int)line.End))));
        Assert.Empty(MetricsLog.ReadFrom(_path, whole.Length));
        Assert.Empty(MetricsLog.ReadFrom(_path, whole.Length + 100)); // it was cut meanwhile
    }

    [Fact]
    public void Read_LineOfBeforeTimesWereKept_HasNone()
    {
        File.WriteAllText(_path, System.Text.Json.JsonSerializer.Serialize(Step(1) with { Time = 5 }).Replace(",\"time\":5", "", StringComparison.Ordinal) + "\n");
        Assert.Equal(0, Assert.Single(MetricsLog.Read(_path)).Time);
    }

    [Fact]
    public void Read_NonFiniteLoss_SurvivesTheRoundTrip()
    {
        using (var log = MetricsLog.Open(_path, 0))
        {
            log.Append([Step(1) with { Scalars = new Dictionary<string, double> { ["loss"] = double.NaN, ["grad_norm"] = 1 } }]);
        }

        Assert.True(double.IsNaN(MetricsLog.Read(_path)[0].Loss));
    }

    internal static StepMetrics Step(long step) => new()
    {
        Step = step, Epoch = 0, Position = step * 4, Scalars = new Dictionary<string, double> { ["recon_video"] = 1, ["loss"] = 1, ["grad_norm"] = 1 },
        Lr = 1, Wd = 1, EmaVideo = 1, EmaAudio = 1, Ms = 1, SamplesPerSecond = 1, DataWait = 0, Mfu = 0, LiveTensors = 1, Rss = 1, GpuMemory = 0,
    };
}
