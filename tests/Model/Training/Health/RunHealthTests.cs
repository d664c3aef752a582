using Xkd.Model.Method;

namespace Xkd.Model.Training.Tests;

/// <summary>Each diagnosis on numbers as such a run has them, and none on those of a healthy one.</summary>
public sealed class RunHealthTests
{
    private const int Epochs = 20, StepsPerEpoch = 10;

    private static readonly PretrainConfig Config = new()
    {
        Optim = new OptimSection { Epochs = Epochs, WarmupEpochs = 2, EmaVideo = 0.99, EmaAudio = 0.99 },
        Model = new ModelSection { Projector = new ProjectorSection { Out = 128 } },
    };

    private static readonly Dictionary<string, double> Healthy = new(StringComparer.Ordinal)
    {
        ["recon_video"] = 0.72, ["recon_audio"] = 0.69, ["kd_v2a"] = 4.846, ["kd_a2v"] = 4.847, ["floor_kd_v2a"] = 4.8453, ["floor_kd_a2v"] = 4.8453, ["loss"] = 4.8, ["grad_norm"] = 0.003, ["clipped"] = 0,
        ["std_video"] = 0.78, ["std_audio"] = 0.77, ["std_teacher_video"] = 0.8, ["std_teacher_audio"] = 0.8, ["teacher_entropy_video"] = 4.80, ["teacher_entropy_audio"] = 4.80,
    };

    [Fact]
    public void Judge_AHealthyRun_LearnsAndNothingIsFound()
    {
        var verdict = Judge([]);

        Assert.Empty(verdict.Findings);
        Assert.True(verdict.Learned);
        Assert.Equal("It learns: reconstruction costs 0.72 (video) and 0.69 (audio) where each patch's mean costs 1; "
            + "the video student knows 74.7 % of what the audio teacher says, the audio student 89.6 % of the video teacher.", verdict.Summary);
        Assert.Equal("the training step: it waits 1 % of its time for clips", verdict.Bottleneck);
    }

    [Theory]
    [InlineData("std_video", 0.05, "collapsed-video", "objective.student_temp_video")]
    [InlineData("std_teacher_audio", 0.02, "collapsed-audio", "objective.student_temp_audio")]
    [InlineData("recon_video", 0.99, "reconstruction", "optim.lr")]
    [InlineData("kd_v2a", 5.27, "temperature", "objective.student_temp_audio")]
    [InlineData("kd_a2v", 4.8516, "pairs", "xkd inspect")]
    [InlineData("clipped", 0.9, "clipping", "optim.clip_grad")]
    [InlineData("data_wait", 0.4, "data", "data.workers")]
    public void Judge_OneNumberOff_IsNamedWithTheKeyToChange(string scalar, double value, string finding, string advice)
    {
        var verdict = Judge(new() { [scalar] = value });

        var found = Assert.Single(verdict.Findings);
        Assert.Equal(finding, found.Name);
        Assert.Contains(advice, found.Advice, StringComparison.Ordinal);
        Assert.Equal(found.Sentence, verdict.Summary);
        Assert.Equal(finding is "clipping" or "data", verdict.Learned);
    }

    [Fact]
    public void Judge_ATeacherThatIsSureOfOneAnswer_IsNotATeacherThatHasNone()
    {
        var one = Judge(new() { ["std_teacher_video"] = 0.01, ["teacher_entropy_video"] = 0.1 });
        var none = Judge(new() { ["std_teacher_video"] = 0.01 });

        Assert.True(one.Collapsed.Video && none.Collapsed.Video);
        Assert.False(one.Collapsed.Audio);
        Assert.Contains("one answer for every clip", one.Summary, StringComparison.Ordinal);
        Assert.Contains("no answer for every clip", none.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.0, "ema", "Lower optim.ema_video")]
    [InlineData(0.5, "ema", "Raise optim.ema_video")]
    public void Judge_TeachersThatStandStillOrRun_AreNamed(double kept, string finding, string advice)
    {
        var verdict = Judge([], kept);

        var found = Assert.Single(verdict.Findings);
        Assert.Equal(finding, found.Name);
        Assert.StartsWith(advice, found.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_ATrainingThatBrokeEarlyAndCalmedDown_StaysDiverged()
    {
        RunHealth health = new(Config);
        foreach (var step in Steps([], 0.99).Take(5).Concat(Steps(new() { ["recon_video"] = 300 }, 0.99).Skip(5).Take(55)).Concat(Steps(new() { ["std_video"] = 0.01 }, 0.99).Skip(60)))
        {
            health.Add(step);
        }

        var findings = health.Judge().Findings;
        Assert.Equal(["diverged", "collapsed-video"], findings.Select(finding => finding.Name));
        Assert.Equal("Lower optim.lr (1e-4).", findings[0].Advice);
    }

    [Fact]
    public void Judge_FreshNetworksThatGuessBadlyThroughALongWarmup_HaveNotDiverged()
    {
        RunHealth health = new(Config with { Optim = Config.Optim with { WarmupEpochs = 20 } });
        foreach (var step in Steps(new() { ["recon_video"] = 1.3 }, 0.99))
        {
            health.Add(step);
        }

        Assert.Empty(health.Judge().Findings);
        Assert.StartsWith("Too early to tell", health.Judge().Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_WhatCannotBeKnownYet_IsNotSaid()
    {
        RunHealth few = new(Config);
        foreach (var step in Steps(new() { ["std_video"] = 0.01, ["recon_video"] = 1.5 }, 0.99).Take(49))
        {
            few.Add(step);
        }

        Assert.StartsWith("Too early to tell", few.Judge().Summary, StringComparison.Ordinal);
        Assert.False(few.Judge().Learned);

        // After the warm-up, but in the first fifth of the run, when a distillation may still be flat.
        RunHealth flat = new(Config with { Optim = Config.Optim with { Epochs = 1000 } });
        foreach (var step in Steps(new() { ["kd_v2a"] = 4.852, ["kd_a2v"] = 5 }, 0.99999))
        {
            flat.Add(step);
        }

        Assert.Empty(flat.Judge().Findings);
        Assert.True(flat.Judge().Learned);
        Assert.EndsWith("it is too early to judge the distillation.", flat.Judge().Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_ReconstructionAlone_NeedsNoDistillation()
    {
        RunHealth health = new(Config with { Objective = Config.Objective with { Cmkd = 0, Align = 0 } });
        foreach (var step in Steps([], 1))
        {
            health.Add(step with { Scalars = step.Scalars.Where(scalar => scalar.Key is "recon_video" or "recon_audio" or "loss" or "grad_norm" or "clipped").ToDictionary(StringComparer.Ordinal) });
        }

        Assert.Equal("It learns: reconstruction costs 0.72 (video) and 0.69 (audio) where each patch's mean costs 1.", health.Judge().Summary);
    }

    private static RunVerdict Judge(Dictionary<string, double> changed, double kept = 0.99)
    {
        RunHealth health = new(Config);
        foreach (var step in Steps(changed, kept))
        {
            health.Add(step);
        }

        return health.Judge();
    }

    private static IEnumerable<StepMetrics> Steps(Dictionary<string, double> changed, double kept) => Enumerable.Range(1, Epochs * StepsPerEpoch).Select(step => new StepMetrics
    {
        Step = step, Epoch = (step - 1) / StepsPerEpoch, Position = 0, Lr = 1e-3, Wd = 0.05, EmaVideo = kept, EmaAudio = 0.99, Ms = 100, SamplesPerSecond = 300,
        DataWait = changed.GetValueOrDefault("data_wait", 0.01), Mfu = 0.2, LiveTensors = 1, Rss = 1, GpuMemory = 0,
        Scalars = Healthy.ToDictionary(scalar => scalar.Key, scalar => changed.GetValueOrDefault(scalar.Key, scalar.Value) , StringComparer.Ordinal),
    });
}
