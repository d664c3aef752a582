using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Tests.Training;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

/// <summary>Real processes under Open MPI and MPICH: that they exchange what they should, train one model, and end together.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MpiTests
{
    private const int Steps = 3;

    private static readonly TimeSpan Together = TimeSpan.FromSeconds(10);

    private static readonly PretrainConfig Config = SmallRun.Config() with
    {
        Batch = 8,
        Train = SmallRun.Config().Train with { LogEvery = 1, CompareEvery = 1 },
    };

    [Theory]
    [InlineData("openmpi", 2)]
    [InlineData("mpich", 4)]
    public async Task Training_SeveralProcesses_EqualsOneThatLoopsOverTheirParts(string flavor, int size)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 16);
        using var job = MpiJob.Start(flavor, size, Name(nameof(Rank)), small.Root);
        (var exitCode, var output, var errors) = await job.EndAsync();
        Assert.True(exitCode == 0, output + errors);

        await small.TrainAsync(Config with { Train = Config.Train with { Accumulate = size } }, "parts", Steps);
        // Both sides call the same kernels on the same shapes; only the sums over two or four ranks come in another order: 16 · u = 1e-6.
        var tolerance = 16 * Rounding.Unit;
        Assert.All(small.Metrics("parts").Zip(small.Metrics("ranks")), pair =>
        {
            Assert.Equal((pair.First.Step, pair.First.Position), (pair.Second.Step, pair.Second.Position));
            Assert.Equal(pair.First.Scalars.Keys, pair.Second.Scalars.Keys);
            Assert.All(pair.First.Scalars, scalar => Assert.Equal(scalar.Value, pair.Second.Scalars[scalar.Key], tolerance * Math.Max(1, Math.Abs(scalar.Value))));
        });
        double[] parts = State(small, "parts"), ranks = State(small, "ranks");
        Assert.InRange(parts.Zip(ranks, (a, b) => Math.Abs(a - b) / Math.Max(1, Math.Abs(a))).Count(d => d > tolerance), 0, parts.Length / 10_000);
    }

    [Theory]
    [InlineData("openmpi", 1)]
    [InlineData("mpich", 0)]
    public async Task Training_OneProcessKilledAndTheLauncherSuspended_EndsTheOthersNamingIt(string flavor, int victim)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 16);
        using var job = MpiJob.Start(flavor, 2, Name(nameof(EndlessRank)), small.Root);
        Dictionary<int, OtherProcess> ranks = [];
        var steps = false;
        while (ranks.Count < 2 || !steps)
        {
            var line = await job.Output.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"the ranks ended: {await job.EndAsync()}");
            steps |= line.StartsWith("did ", StringComparison.Ordinal);
            if (line.Split(' ') is ["trains", var rank, var process])
            {
                ranks.Add(int.Parse(rank, CultureInfo.InvariantCulture), new OtherProcess(int.Parse(process, CultureInfo.InvariantCulture)));
            }
        }

        // Suspended, the launcher can neither clean up nor warn: its own switches for that leave it free to kill the others all the same, and MPICH's at times does.
        await job.SuspendLauncherAsync(ranks[victim]);
        ranks[victim].Kill();
        await ranks[1 - victim].EndAsync(Together);
        job.ResumeLauncher();

        (_, var output, var errors) = await job.EndAsync();
        var said = errors + output;
        Assert.Contains($"xkd: rank {victim} of 2 (process {ranks[victim].Id} on ", said);
        Assert.Contains("is lost: its process ended; the run can be resumed", said);
        await small.TrainAsync(Endless, "endless", 4, ResumeMode.Auto); // what was committed is whole
    }

    [Fact]
    public async Task Training_OneProcessFails_EndsTheOthersWithItsCause()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 16);
        using var job = MpiJob.Start("openmpi", 2, Name(nameof(FailingRank)), small.Root, "--enable-recovery");
        (_, _, var errors) = await job.EndAsync();
        Assert.Contains("xkd: rank 1 of 2 (process ", errors);
        Assert.Contains("ended the run: System.InvalidOperationException: the planted fault", errors);
    }

    /// <summary>Not a test of its own: what each rank runs.</summary>
    [Fact(Explicit = true)]
    public async Task Rank()
    {
        LibTorch.Load();
        using var ranks = RankGroup.Open(RankEnvironment.Detect());
        Exchange(ranks);
        using var small = Shared();
        await small.TrainAsync(Config, "ranks", Steps, ranks: ranks);
    }

    /// <summary>Not a test of its own: a rank to be killed, or to lose the other.</summary>
    [Fact(Explicit = true)]
    public async Task EndlessRank()
    {
        LibTorch.Load();
        using var ranks = RankGroup.Open(RankEnvironment.Detect());
        using var small = Shared();
        await Console.Out.WriteLineAsync($"trains {ranks.Rank} {Environment.ProcessId}");
        await small.TrainAsync(Endless, "endless", Endless.Optim.Epochs, notes: new SmallRun.Notes(step => Console.Out.WriteLine($"did {step}")), ranks: ranks);
    }

    /// <summary>Not a test of its own: the second rank throws while the first waits for it.</summary>
    [Fact(Explicit = true)]
    public async Task FailingRank()
    {
        LibTorch.Load();
        using var ranks = RankGroup.Open(RankEnvironment.Detect());
        await ranks.RunAsync(() =>
        {
            if (ranks.Rank == 1)
            {
                throw new InvalidOperationException("the planted fault");
            }

            ranks.Barrier();
            return Task.FromResult(0);
        });
    }

    private static PretrainConfig Endless => Config with { Optim = Config.Optim with { Epochs = 1_000_000 }, Train = Config.Train with { CheckpointEvery = 2 } };

    private static SmallRun Shared() => SmallRun.Of(Environment.GetEnvironmentVariable(MpiJob.Folder)!);

    private static string Name(string method) => $"{typeof(MpiTests).FullName}.{method}";

    // Every primitive, over more than one chunk, with values whose sums are exact.
    private static void Exchange(RankGroup ranks)
    {
        (var rank, var size) = (ranks.Rank, ranks.Size);
        var total = size * (size + 1) / 2;
        using var scope = NewDisposeScope();
        Tensor sum = ones((3 * MpiCommunicator.Chunk) + 7).Mul(rank + 1), exact = ones(5, ScalarType.Float64).Mul((rank + 1) / 8.0), rounded = ones(1001, ScalarType.BFloat16).Mul(rank + 1);
        ranks.Sum(sum);
        ranks.Sum(exact);
        ranks.Sum(rounded);
        Assert.Equal((total, total), (sum.min().item<float>(), sum.max().item<float>()));
        Assert.Equal(total / 8.0, exact.max().item<double>());
        Assert.Equal(total, rounded.to(ScalarType.Float32).min().item<float>());

        var first = ones((4 * MpiCommunicator.Chunk) + 3).Mul(rank + 3);
        ranks.Broadcast(first);
        Assert.Equal((3, 3), (first.min().item<float>(), first.max().item<float>()));

        Assert.Equal(Enumerable.Range(0, size).Select(r => new string('x', r * 1000)), ranks.All(new string('x', rank * 1000)));
        Assert.Equal(Enumerable.Range(0, size), ranks.Gather(new byte[rank]).Select(bytes => bytes.Length));
        Assert.True(ranks.Any(rank == size - 1));
        Assert.False(ranks.Any(false));
        Assert.Equal("zero", ranks.FromFirst(() => rank == 0 ? "zero" : throw new InvalidOperationException("asked elsewhere")));
        Assert.Equal((rank, size), (ranks.LocalRank, ranks.OnTheseCores));
    }

    private static double[] State(SmallRun small, string run)
    {
        using var checkpoint = new CheckpointStore(small.Run(run)).OpenLatest()!;
        return [.. new[] { checkpoint.Model, checkpoint.Optimizer }.SelectMany(file => file.Entries.Keys.Order(StringComparer.Ordinal).SelectMany(name =>
            MemoryMarshal.Cast<byte, float>(file.Bytes(name)).ToArray())).Select(value => (double)value)];
    }
}
