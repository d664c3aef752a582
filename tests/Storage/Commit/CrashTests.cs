namespace Xkd.Storage.Tests;

/// <summary>
/// Stops an ingest before each of its disk steps, in each way a machine can stop, and looks at what is left: the last commit that was reported must
/// be there, whole, without repair; and running the same ingest again must end with every clip exactly once.
/// </summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(nameof(Loss.Nothing))]
    [InlineData(nameof(Loss.Contents))]
    [InlineData(nameof(Loss.ContentsAndNames))]
    public async Task Ingest_StoppedBeforeAnyStep_LosesNothingCommittedAndRunsAgainToTheSameEnd(string loss)
    {
        (var steps, var problems) = await SweepAsync(Enum.Parse<Loss>(loss), stop => new SimulatedDisk { StopBefore = stop });
        Assert.True(steps > 60, $"only {steps} steps were seen");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Sweep_FileSyncLeftOut_IsNoticed() =>
        Assert.NotEmpty((await SweepAsync(Loss.Contents, stop => new SimulatedDisk { StopBefore = stop, SkipFileSync = true }, firstOnly: true)).Problems);

    [Fact]
    public async Task Sweep_DirectorySyncLeftOut_IsNoticed() =>
        Assert.NotEmpty((await SweepAsync(Loss.ContentsAndNames, stop => new SimulatedDisk { StopBefore = stop, SkipDirectorySync = true }, firstOnly: true)).Problems);

    [Fact]
    public async Task Sweep_RenameLeftOut_IsNoticed() =>
        Assert.NotEmpty((await SweepAsync(Loss.Nothing, stop => new SimulatedDisk { StopBefore = stop, SkipRename = true }, firstOnly: true)).Problems);

    private static async Task<(int Steps, string[] Problems)> SweepAsync(Loss loss, Func<int, SimulatedDisk> make, bool firstOnly = false)
    {
        List<string> problems = [];
        for (var stop = 0; ; stop++)
        {
            using TempFolder folder = new();
            var disk = make(stop);
            var reported = 0;
            var finished = true;
            try
            {
                await SmallIngest.RunAsync(folder.Cache, disk, version => reported = version, TestContext.Current.CancellationToken);
            }
            catch (FailureException e) when (e.InnerException is CrashException)
            {
                finished = false;
            }

            disk.Restart(loss);
            problems.AddRange((await LookAsync(folder, reported)).Select(p => $"stopped before step {stop}: {p}"));
            if (finished || (firstOnly && problems.Count > 0))
            {
                return (disk.Steps, [.. problems]);
            }
        }
    }

    private static async Task<List<string>> LookAsync(TempFolder folder, int reported)
    {
        List<string> problems = [];
        try
        {
            var version = Directory.Exists(folder.In("manifest")) ? Directory.GetFiles(folder.In("manifest"), "*.json").Length : 0;
            if (version < reported)
            {
                problems.Add($"version {reported} was reported, {version} is there");
            }

            if (version > 0)
            {
                var left = Cache.Open(folder.Cache);
                Same(problems, "clips and ledger", left.Clips.Select(c => c.Id.Split('#')[0]).Distinct(), left.ReadLedger().Values.Where(e => e.State == ItemState.Committed).Select(e => e.Id));
                problems.AddRange(left.Warnings);
                problems.AddRange(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors.Select(e => $"{e}"));
            }

            await SmallIngest.RunAsync(folder.Cache, new SimulatedDisk(), _ => { }, TestContext.Current.CancellationToken);
            var cache = Cache.Open(folder.Cache);
            Same(problems, "clips after running again", cache.Clips.Select(c => c.Id), SmallIngest.All.Select(c => c.Id));
            Same(problems, "shards", Directory.GetFiles(folder.In("shards")).Select(Path.GetFileName)!, cache.Manifest.Shards.Select(s => Path.GetFileName(s.Path)));
            Same(problems, "ledger.jsonl", File.ReadLines(folder.In("ledger.jsonl")).Select(l => l.Split('"')[3]), SmallIngest.All.Select(c => c.SourceItem).Distinct().Append("broken.mp4"));
            Same(problems, "temporary files", Directory.GetFiles(folder.Cache, "*.tmp", SearchOption.AllDirectories), []);
            problems.AddRange(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors.Select(e => $"{e}"));
            Array.ForEach(SmallIngest.All, clip => Clips.AssertSame(clip, cache));
        }
        catch (XkdException e)
        {
            problems.Add(e.Message);
        }

        return problems;
    }

    private static void Same(List<string> problems, string what, IEnumerable<string> got, IEnumerable<string> expected)
    {
        var left = string.Join(' ', got.Order(StringComparer.Ordinal));
        var right = string.Join(' ', expected.Order(StringComparer.Ordinal));
        if (left != right)
        {
            problems.Add($"{what}: {left} where {right} was expected");
        }
    }
}
