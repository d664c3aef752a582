using System.Diagnostics;

namespace Xkd.Cli.Tests;

/// <summary>A training over two nodes whose network is bad: it goes on to the same curve, or ends within its bound and says which rank it lost.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class NetworkTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
    private const int Steps = 40;

    // Eight seconds without a sign of life, a beat, and what leaving takes at most; and what two cores take to end two processes.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(8 + 1 + 2 + 9);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("good")]
    [InlineData("slow")]
    [InlineData("loses 3 of 100 packets")]
    [InlineData("cut for 5 s")]
    public async Task Train_OverANetworkThatRecovers_LearnsWhatOneProcessDoes(string how)
    {
        nodes.Require();
        var run = nodes[$"run-{how.Replace(' ', '-')}"];
        try
        {
            var network = how switch
            {
                "slow" => await nodes.SlowAsync(),
                "loses 3 of 100 packets" => await LoseAsync(3),
                _ => how,
            };
            var began = Stopwatch.GetTimestamp();
            using var ranks = nodes.Start(Train(run));
            var said = ranks.StandardOutput.ReadToEndAsync(Ct);
            if (how == "cut for 5 s")
            {
                await StepsAsync(run, 10);
                await nodes.LoseAsync(100, 1, 2);
                await Task.Delay(TimeSpan.FromSeconds(5), Ct);
                Assert.InRange((await TrainingCurve.LossesAsync(run)).Length, 10, Steps - 1); // nothing went on without the other rank
                await nodes.MendAsync();
            }

            await EndedAsync(ranks, TimeSpan.FromMinutes(2));
            Assert.True(ranks.ExitCode == 0, $"exit code {ranks.ExitCode}\n" + await said + await nodes.ErrorsAsync(0) + await nodes.ErrorsAsync(1));
            Assert.Contains("2 ranks on ", await said, StringComparison.Ordinal);
            await SameCurveAsync(run);
            TestContext.Current.SendDiagnosticMessage($"{network}: {Steps} steps, {Stopwatch.GetElapsedTime(began).TotalSeconds:f0} s, same curve");
        }
        finally
        {
            await nodes.MendAsync();
        }
    }

    [Theory]
    [InlineData("cut for 60 s", 1, 2)]
    [InlineData("node 2 hears nothing any more", 2)]
    [InlineData("node 1 hears nothing any more", 1)]
    public async Task Train_OverANetworkThatDoesNotRecover_EndsNamedAndIsResumed(string how, params int[] deaf)
    {
        nodes.Require();
        var run = nodes[$"run-{how.Replace(' ', '-')}"];
        try
        {
            using var ranks = nodes.Start(Train(run));
            _ = ranks.StandardOutput.ReadToEndAsync(Ct);
            await StepsAsync(run, 10);
            Assert.Equal(2, TwoNodes.Alive(run).Length);
            var cut = Stopwatch.GetTimestamp();
            await nodes.LoseAsync(100, deaf);
            while (TwoNodes.Alive(run).Length > 0)
            {
                Assert.InRange(Stopwatch.GetElapsedTime(cut), TimeSpan.Zero, Bound);
                await Task.Delay(50, Ct);
            }

            var took = Stopwatch.GetElapsedTime(cut);
            string[] errors = [await nodes.ErrorsAsync(0), await nodes.ErrorsAsync(1)];
            Assert.Contains("rank 1 of 2", errors[0], StringComparison.Ordinal);
            Assert.Contains("no sign of life for 8 s", string.Concat(errors), StringComparison.Ordinal);
            Assert.NotEmpty(errors[1]);
            if (how == "cut for 60 s")
            {
                await Task.Delay(TimeSpan.FromSeconds(60) - took, Ct);
            }

            // The launcher may wait for the other node's helper; that is no matter of the ranks.
            await nodes.MendAsync();
            ranks.Kill(entireProcessTree: true);
            await ranks.WaitForExitAsync(Ct);
            var kept = await TrainingCurve.LossesAsync(run);
            Assert.InRange(kept.Length, 10, Steps - 1);
            await nodes.DoneAsync(nodes["xkd"], [.. Train(run), "--resume"]); // by one process
            await SameCurveAsync(run);
            var came = $"both ranks ended after {took.TotalSeconds:f1} s; resumed after {kept.Length} logged steps, same curve";
            TestContext.Current.SendDiagnosticMessage($"{how}: {came}");
        }
        finally
        {
            await nodes.MendAsync();
        }
    }

    private async Task<string> LoseAsync(int percent)
    {
        await nodes.LoseAsync(percent, 1, 2);
        return $"{percent} of 100 packets lost each way";
    }

    private string[] Train(string run) =>
        ["train", "--config", TrainingCurve.Config, "--data", nodes["cache"], "--out", run, .. TrainingCurve.Options(Steps)];

    private async Task SameCurveAsync(string run)
    {
        if (nodes.Alone is null)
        {
            await nodes.DoneAsync(nodes["xkd"], Train(nodes["run-alone"]));
            nodes.Alone = await TrainingCurve.LossesAsync(nodes["run-alone"]);
            Assert.Equal(Steps, nodes.Alone.Length);
        }

        var losses = await TrainingCurve.LossesAsync(run);
        Assert.Equal(Steps, losses.Length);
        TrainingCurve.AssertSame(nodes.Alone, losses);
    }

    private static async Task StepsAsync(string run, int steps)
    {
        var began = Stopwatch.GetTimestamp();
        while ((await TrainingCurve.LossesAsync(run)).Length < steps)
        {
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromMinutes(1));
            await Task.Delay(20, Ct);
        }
    }

    private static async Task EndedAsync(Process ranks, TimeSpan limit)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        bound.CancelAfter(limit);
        try
        {
            await ranks.WaitForExitAsync(bound.Token);
        }
        finally
        {
            if (!ranks.HasExited)
            {
                ranks.Kill(entireProcessTree: true);
            }
        }
    }
}
