using System.Diagnostics;
using System.Text;
using Xkd.Model.Method;
using Xkd.Model.Tests.Ranks;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

/// <summary>A run on an MLflow server that is slow, down, lossy, or forbids: what it holds at the end is what <c>metrics.jsonl</c> does, each number once.</summary>
public sealed class MlflowTests : IAsyncLifetime
{
    private const int Steps = 8;
    private const string Folder = "XKD_TEST_MLFLOW_FOLDER", Address = "XKD_TEST_MLFLOW_URI";

    private readonly SmallRun _small = new();
    private readonly MlflowServer _server = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Faults => ["none", "lost request", "lost answer", "500", "429", "down in between", "down to the end"];

    public async ValueTask InitializeAsync() => await _small.AddClipsAsync(0, 7);

    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        _small.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task RunAsync_ServerFails_LosesNoMetricAndSendsNoneTwice(string fault)
    {
        var faults = 0;
        MlflowFault? Early(MlflowFault what, int most = 3) => faults++ < most ? what : null;
        _server.Faults = (call, before) => (fault, call) switch
        {
            ("lost request", "runs/log-batch") => Early(new MlflowFault(Lost: true)),
            ("lost answer", "runs/log-batch") when before % 2 == 0 && _server.Run.Steps > 0 => Early(new MlflowFault(Lost: true, Handled: true)), // of metrics
            ("500", _) => Early(new MlflowFault(Status: 500, Body: """{"error_code": "INTERNAL_ERROR", "message": "no database"}""")),
            ("429", "runs/log-batch") => Early(new MlflowFault(Status: 429, RetryAfter: 1), 1),
            _ => null,
        };
        SmallRun.Notes notes = new(step =>
        {
            if (fault.StartsWith("down", StringComparison.Ordinal) && step == 3)
            {
                _server.Until(() => _server.Runs.Count > 0 && _server.Run.Steps >= 2);
                _server.Stop();
            }

            if (fault == "down in between" && step == 6)
            {
                _server.Start();
            }
        });
        await TrainAsync("run", fault == "down to the end" ? Options with { EndWait = TimeSpan.FromMilliseconds(300) } : Options, notes);
        if (fault == "down to the end")
        {
            Assert.InRange(_server.Run.Steps, 2, Steps - 1);
            Assert.Equal("RUNNING", _server.Run.Status);
            Assert.Contains($"MLflow at {_server.Uri} lacks {Steps - _server.Run.Steps} of 8 steps, which {_small.Run("run")} keeps", notes.Lines[^1], StringComparison.Ordinal);
            Assert.EndsWith($"xkd train --out {_small.Run("run")} --resume --mlflow {_server.Uri}", notes.Lines[^1], StringComparison.Ordinal);
            _server.Start();
            notes = new SmallRun.Notes();
            await TrainAsync("run", Options, notes, resume: ResumeMode.Required); // the run is complete: nothing is trained
        }

        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
        Assert.Equal("FINISHED", _server.Run.Status);
        Assert.Contains("MLflow has all 8 steps", notes.Lines[^1], StringComparison.Ordinal);
        if (fault == "429")
        {
            var (_, refused, _) = _server.Requests.First(request => request.Call == "runs/log-batch");
            Assert.True(_server.Requests.First(request => request.At > refused).At - refused >= TimeSpan.FromSeconds(0.99), "Retry-After is honoured");
        }

        if (fault is not ("none" or "down to the end"))
        {
            var gone = notes.Lines.Count(line => line.Contains("It is tried again", StringComparison.Ordinal));
            Assert.InRange(gone, 1, fault == "lost answer" ? 3 : 1);
            Assert.Equal(gone, notes.Lines.Count(line => line.EndsWith("answers again", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Differences_ServerThatForgetsRepeatsOrChangesANumber_AreSeen()
    {
        await TrainAsync("run", Options);
        var run = _server.Run;
        var metric = run.Metrics[17];
        run.Metrics.RemoveAt(17);
        Assert.Single(Differences(run, _small.Metrics("run")));
        run.Metrics.AddRange([metric, metric]);
        Assert.Single(Differences(run, _small.Metrics("run")));
        run.Metrics[^1] = metric with { Value = metric.Value + 1 };
        Assert.NotEmpty(Differences(run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_WithServer_TellsOfTheRunAndItsConfiguration()
    {
        var config = Config() with { Data = Config().Data with { Where = ["id!=" + new string('x', 7000)] } };
        await TrainAsync("run", Options with { Experiment = "sounds" }, config: config);
        var run = _server.Run;
        Assert.Equal("1", _server.Experiments["sounds"]);
        Assert.Equal(ConfigBinder.Leaves(config).Select(leaf => leaf.Key).Order(StringComparer.Ordinal), run.Params.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("0.003", run.Params["optim.lr"]);
        Assert.Equal(6000, run.Params["data.where"].Length);
        Assert.Equal("run", run.Tags["mlflow.runName"]);
        Assert.Equal("xkd train", run.Tags["mlflow.source.name"]);
        Assert.Equal("cpu", run.Tags["xkd.device"]);
        Assert.Equal("1", run.Tags["xkd.ranks"]);
        Assert.Contains(_small.Cache, run.Tags["xkd.caches"], StringComparison.Ordinal);
        Assert.NotEmpty(run.Tags["xkd.health"]);
        Assert.Equal(_small.Metrics("run")[^1].Time, run.EndTime);
        Assert.InRange(TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(run.EndTime), TimeSpan.Zero, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task RunAsync_ServerThatNeverAnswers_TrainsOnAndTheNextStartSendsAll()
    {
        // The server holds its first request for good: that the run comes to its end shows that nothing of it waits for an answer.
        _server.Faults = (_, _) => new MlflowFault(Hangs: true);
        SmallRun.Notes notes = new();
        var patient = Options with { CallTimeout = TimeSpan.FromHours(1), EndWait = TimeSpan.FromMilliseconds(200) };
        var result = await TrainAsync("run", patient, notes).WaitAsync(TimeSpan.FromMinutes(1), Ct);
        Assert.Equal(Steps, result.Steps);
        Assert.Single(_server.Requests);
        Assert.Equal(0, _server.Answered);
        Assert.Contains($"was not reached; {_small.Run("run")} keeps all 8 steps", notes.Lines[^1], StringComparison.Ordinal);

        _server.Faults = (_, _) => null;
        SmallRun.Notes later = new();
        await TrainAsync("run", Options, later, resume: ResumeMode.Required);
        Assert.Contains("MLflow has all 8 steps, 8 sent by this start", later.Lines[^1], StringComparison.Ordinal);
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_CallThatHangs_IsGivenUpAndMadeAgain()
    {
        _server.Faults = (call, before) => call == "runs/log-batch" && before == 1 ? new MlflowFault(Hangs: true) : null;
        await TrainAsync("run", Options with { CallTimeout = TimeSpan.FromMilliseconds(300) });
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_HalfARequestIsWritten_SendsTheStepsThatAreNotWhole()
    {
        _server.Faults = (call, before) => call == "runs/log-batch" && before is 3 or 4 ? new MlflowFault(Half: true) : null;
        await TrainAsync("run", Options);
        // A number that came twice is the same twice, time included: MLflow's tables keep it once.
        Assert.DoesNotContain(Differences(_server.Run, _small.Metrics("run")), text => text.StartsWith("lacks", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        403, """{"error_code": "PERMISSION_DENIED", "message": "Permission denied."}""", "answered by 403 PERMISSION_DENIED: Permission denied; set MLFLOW_TRACKING_USERNAME")]
    [InlineData(404, "<html>nothing here", "answered by 404 Not Found: <html>nothing here; name the address of an MLflow server")]
    [InlineData(200, "<html>a page to log in", "the answer is not MLflow's (it is no JSON): name the address of an MLflow server")]
    public async Task RunAsync_Refused_SaysItOnceAndAsksNoMore(int status, string body, string expected)
    {
        _server.Faults = (_, _) => new MlflowFault(Status: status, Body: body);
        SmallRun.Notes notes = new();
        await TrainAsync("run", Options, notes);
        Assert.Single(_server.Requests);
        var note = Assert.Single(notes.Lines, line => line.Contains("Nothing more is sent", StringComparison.Ordinal));
        Assert.Contains(expected, note, StringComparison.Ordinal);
        Assert.Contains("--resume --mlflow", notes.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ManyStepsAtOnce_KeepsTheLimitsOfARequest()
    {
        _server.Stop();
        await _small.TrainAsync(Config() with { Optim = Config().Optim with { Epochs = 60 } }, "run", 90, notes: new SmallRun.Notes(step =>
        {
            if (step == 90)
            {
                _server.Start();
            }
        }), mlflow: Options);
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
        Assert.InRange(_server.Requests.Count(request => request.Call == "runs/log-batch"), 4, 12);
    }

    [Fact]
    public async Task RunAsync_StoppedAndResumedWithOtherThreads_IsOneRunAndRunsAgain()
    {
        using CancellationTokenSource stop = new();
        await TrainAsync("run", Options, new SmallRun.Notes(step => (step == 3 ? stop : null)?.Cancel()), stop: stop);
        Assert.Equal("KILLED", _server.Run.Status);
        var other = Config() with { Train = Config().Train with { LogEvery = 3 } }; // MLflow would refuse the other value
        await TrainAsync("run", Options, config: other, resume: ResumeMode.Required);
        Assert.Equal(["KILLED", "RUNNING", "FINISHED"], _server.Run.Statuses);
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_LossNotFinite_EndsAsFailedWithTheNumber()
    {
        await _small.AddClipsAsync(7, 1, spoiled: 7);
        await Assert.ThrowsAsync<FailureException>(() => _small.TrainAsync(Config(), "run", 30, mlflow: Options));
        Assert.Equal("FAILED", _server.Run.Status);
        Assert.Contains(_server.Run.Metrics, metric => double.IsNaN(metric.Value));
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_RunRemovedAtTheServer_GetsANewOneWithAllSteps()
    {
        await TrainAsync("run", Options, steps: 4);
        _server.Runs.Clear();
        SmallRun.Notes notes = new();
        await TrainAsync("run", Options, notes, resume: ResumeMode.Required);
        Assert.Contains(notes.Lines, line => line.Contains("has no run run1 any more", StringComparison.Ordinal));
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
        Assert.NotEmpty(_server.Run.Params);
    }

    [Fact]
    public async Task RunAsync_DamagedIdentity_SaysWhatToDoAndTrains()
    {
        await TrainAsync("run", Options, steps: 4);
        await File.WriteAllTextAsync(Path.Combine(_small.Run("run"), "mlflow.json"), "{", Ct);
        SmallRun.Notes notes = new();
        Assert.Equal(Steps, (await TrainAsync("run", Options, notes, resume: ResumeMode.Required)).Steps);
        Assert.Contains(notes.Lines, line => line.Contains("mlflow.json is damaged: restore it, or remove it", StringComparison.Ordinal));
    }

    [Fact]
    public void RunAsync_TwoRanks_IsSentOnceByTheFirst()
    {
        var config = Config() with { Batch = 6 };
        InProcessRanks.Run(2, ranks => _small.TrainAsync(config, "run", 4, ranks: ranks, mlflow: Options).GetAwaiter().GetResult());
        Assert.Equal("2", _server.Run.Tags["xkd.ranks"]);
        Assert.Empty(Differences(_server.Run, _small.Metrics("run")));
    }

    [Fact]
    public async Task RunAsync_Killed_GoesOnInTheSameRunWithoutAGap()
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(MlflowTests).FullName}.{nameof(Victim)}"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, Environment = { [Folder] = _small.Root, [Address] = _server.Uri.AbsoluteUri },
        };
        using (var victim = Process.Start(start)!)
        {
            _server.Until(() => _server.Runs.Count > 0 && _server.Run.Steps >= 3); // checkpoints are of every fifth
            victim.Kill();
            await victim.WaitForExitAsync(Ct);
        }

        Assert.Equal("RUNNING", _server.Run.Status);
        var steps = Math.Max(_server.Run.Steps, 5) + 3;
        await _small.TrainAsync(Killed(), "run", steps, ResumeMode.Required, mlflow: Options);
        // Steps that were done again stay as they were sent first: to the same losses, in their own time.
        string[] costs = ["ms", "samples_per_s", "data_wait", "mfu", "live_tensors", "rss"];
        Assert.Equal(steps, _server.Run.Steps);
        Assert.Empty(Differences(_server.Run, _small.Metrics("run"), costs));
        Assert.Equal("FINISHED", _server.Run.Status);
    }

    /// <summary>Not a test of its own: what the process to be killed runs.</summary>
    [Fact(Explicit = true)]
    public async Task Victim()
    {
        using var small = SmallRun.Of(Environment.GetEnvironmentVariable(Folder)!);
        await small.TrainAsync(Killed(), "run", 4000, mlflow: Options with { Uri = new Uri(Environment.GetEnvironmentVariable(Address)!) });
    }

    [Theory]
    [InlineData("file:///tmp/mlruns", "write the address of an MLflow server")]
    [InlineData("localhost:5000", "write the address of an MLflow server")]
    [InlineData("databricks", "write the address of an MLflow server")]
    [InlineData("http://me:secret@localhost:5000", "leave the password out")]
    public void FromEnvironment_WhatIsNoServer_IsRefusedWithTheFix(string uri, string expected)
    {
        var error = Assert.Throws<UsageException>(() => MlflowOptions.FromEnvironment(uri)).Message;
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FromEnvironment_VariablesOfMlflow_Hold()
    {
        string[] names = ["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"];
        try
        {
            var error = Assert.Throws<UsageException>(() => MlflowOptions.FromEnvironment());
            Assert.Contains("MLFLOW_TRACKING_URI is not set", error.Message, StringComparison.Ordinal);
            Environment.SetEnvironmentVariable(names[0], _server.Uri.AbsoluteUri);
            Environment.SetEnvironmentVariable(names[1], "sounds & sights");
            Environment.SetEnvironmentVariable(names[2], "token");
            await TrainAsync("bearer", MlflowOptions.FromEnvironment(), steps: 2);
            Assert.All(_server.Requests, request => Assert.Equal("Bearer token", request.Authorization));
            Assert.Equal(["sounds & sights"], _server.Experiments.Keys);
            Environment.SetEnvironmentVariable(names[3], "me");
            Environment.SetEnvironmentVariable(names[4], "secret");
            await TrainAsync("basic", MlflowOptions.FromEnvironment(), steps: 2);
            Assert.Equal($"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes("me:secret"))}", _server.Requests[^1].Authorization);
            Assert.DoesNotContain("secret", string.Concat(Directory.GetFiles(_small.Run("basic")).Select(File.ReadAllText)), StringComparison.Ordinal);
        }
        finally
        {
            Array.ForEach(names, name => Environment.SetEnvironmentVariable(name, null));
        }
    }

    private MlflowOptions Options => new()
    {
        Uri = _server.Uri, RetryDelay = TimeSpan.FromMilliseconds(10), MaxRetryDelay = TimeSpan.FromMilliseconds(50), EndWait = TimeSpan.FromMinutes(1),
    };

    private static PretrainConfig Config() => SmallRun.Config() with { Train = SmallRun.Config().Train with { LogEvery = 1 } };

    private static PretrainConfig Killed() =>
        Config() with { Optim = Config().Optim with { Epochs = 2000 }, Train = Config().Train with { CheckpointEvery = 5 } };

    private Task<TrainResult> TrainAsync(
        string run, MlflowOptions mlflow, SmallRun.Notes? notes = null, PretrainConfig? config = null, ResumeMode resume = ResumeMode.Never, int steps = Steps,
        CancellationTokenSource? stop = null) =>
        _small.TrainAsync(config ?? Config(), run, steps, resume, notes, stop: stop, mlflow: mlflow);

    // What the server lacks of the run's file, has more than once, or has otherwise; where costs are named, without them and without times.
    private static List<string> Differences(MlflowRun run, IReadOnlyList<StepMetrics> steps, params string[] costs)
    {
        string Text(string key, double value, long time, long step) => $"{step} {key}={value:R}{(costs.Length > 0 ? "" : $" at {time}")}";
        var there = run.Metrics.Where(m => !costs.Contains(m.Key)).Select(m => Text(m.Key, m.Value, m.Timestamp, m.Step)).CountBy(text => text).ToDictionary();
        var here = steps.SelectMany(s => s.Values.Where(v => v.Key != "step" && !costs.Contains(v.Key)).Select(v => Text(v.Key, v.Value, s.Time, s.Step))).ToHashSet();
        return
        [
            .. here.Where(text => !there.ContainsKey(text)).Select(text => $"lacks {text}"),
            .. there.Where(t => t.Value != 1 || !here.Contains(t.Key)).Select(t => $"has {t.Value} times {t.Key}"),
        ];
    }
}
