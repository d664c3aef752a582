using System.Diagnostics;

namespace Xkd.Storage.Tests;

/// <summary>An ingest on a disk that fails: it completes with the right clips, or stops at once with the cause and completes when run again.</summary>
public sealed class FlakyDiskTests
{
    private static readonly Errno[] Passing = [Errno.Interrupted, Errno.TryAgain, Errno.TimedOut, Errno.Stale];
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ingest_OneOperationInAHundredFailsForAMoment_Completes(bool tookEffect)
    {
        var expected = await ExpectedAsync();
        var faults = 0;
        for (var seed = 0; seed < 8; seed++)
        {
            using TempFolder folder = new();
            Random random = new(seed);
            FaultyDisk disk = new((_, _) => random.Next(100) == 0 ? Passing[random.Next(Passing.Length)] : null, tookEffect);
            await RunAsync(folder, disk);
            AssertWhole(folder, expected);
            faults += disk.Faults;
        }

        Assert.True(faults > 10, $"only {faults} faults were met");
    }

    [Fact]
    public async Task Ingest_EachNameGivenByACallThatFailedForAMoment_Completes()
    {
        var expected = await ExpectedAsync();
        for (var k = 0; ; k++)
        {
            using TempFolder folder = new();
            var at = k;
            var calls = 0;
            FaultyDisk disk = new((_, writes) => !writes && calls++ == at ? Errno.Stale : null, tookEffect: true);
            await RunAsync(folder, disk);
            AssertWhole(folder, expected);
            if (disk.Faults == 0)
            {
                Assert.True(k > 60, $"only {k} calls were seen");
                return;
            }
        }
    }

    [Theory]
    [InlineData(nameof(Errno.NoSpace), true)]
    [InlineData(nameof(Errno.InputOutput), false)]
    public async Task Ingest_DiskFailsAtOneOperation_StopsWithTheCauseAndCompletesWhenRunAgain(string errno, bool forGood)
    {
        var error = Enum.Parse<Errno>(errno);
        var expected = await ExpectedAsync();
        var stopped = 0;
        for (var k = 0; ; k++)
        {
            using TempFolder folder = new();
            var at = k;
            FaultyDisk disk = new((operation, _) => operation == at || (forGood && operation > at) ? error : null);
            var begun = Stopwatch.GetTimestamp();
            var failure = await StoppedAsync(folder, disk);
            var took = Stopwatch.GetElapsedTime(begun);
            Assert.True(took < Prompt, $"operation {k}: it took {took}");
            if (failure is not null)
            {
                stopped++;
                Assert.Equal((int)error, Assert.IsType<IOException>(failure.InnerException).HResult);
                Assert.Contains(folder.Cache, failure.Message, StringComparison.Ordinal);
                await RunAsync(folder, new FaultyDisk((_, _) => null));
            }

            AssertWhole(folder, expected);
            if (k >= disk.Operations)
            {
                Assert.True(stopped > k / 2, $"{stopped} of {k} faults stopped it");
                return;
            }
        }
    }

    [Fact]
    public async Task Ingest_ATransientErrorThatStays_StopsWithTheCauseWithinSeconds()
    {
        using TempFolder folder = new();
        var begun = Stopwatch.GetTimestamp();
        var failure = await StoppedAsync(folder, new FaultyDisk((operation, _) => operation >= 40 ? Errno.Stale : null));
        Assert.True(Stopwatch.GetElapsedTime(begun) < Prompt);
        Assert.Equal((int)Errno.Stale, failure?.InnerException?.HResult);
        await RunAsync(folder, new FaultyDisk((_, _) => null));
        AssertWhole(folder, await ExpectedAsync());
    }

    private static async Task<string[]> ExpectedAsync()
    {
        using TempFolder folder = new();
        await RunAsync(folder, new FaultyDisk((_, _) => null));
        return SmallIngest.Contents(folder.Cache);
    }

    private static async Task<FailureException?> StoppedAsync(TempFolder folder, FaultyDisk disk)
    {
        try
        {
            await RunAsync(folder, disk);
            return null;
        }
        catch (FailureException e)
        {
            return e;
        }
    }

    private static Task RunAsync(TempFolder folder, FaultyDisk disk) => SmallIngest.RunAsync(folder.Cache, disk, _ => { }, TestContext.Current.CancellationToken);

    private static void AssertWhole(TempFolder folder, string[] expected)
    {
        Assert.Equal(expected, SmallIngest.Contents(folder.Cache));
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors);
        Assert.Empty(Directory.GetFiles(folder.Cache, "*.tmp", SearchOption.AllDirectories));
    }
}
