namespace Xkd.Storage.Tests;

/// <summary>
/// Stops each kind of edit before each of its disk steps, in each way a machine can stop: the version before must be there whole, or the one after; the same edit again must end as if it had never been
/// stopped; and nobody ever sees half of one.
/// </summary>
public sealed class EditCrashTests : IDisposable
{
    // XKD_TEST_KILLS=100 stops before every step; otherwise before every fourth, others for each kind of loss.
    private static readonly int Stride = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_KILLS") ?? "20", System.Globalization.CultureInfo.InvariantCulture) >= 100 ? 1 : 4;
    private readonly TempFolder _prepared = new();
    private (string[] Before, string[] After) _expected;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _prepared.Dispose();

    [Theory]
    [CombinatorialEdits]
    public async Task Edit_StoppedBeforeAnyStep_IsDoneOrNotAndEndsTheSameAgain(string edit, string loss)
    {
        (var steps, var problems) = await SweepAsync(edit, Enum.Parse<Loss>(loss), stop => new SimulatedDisk { StopBefore = stop });
        Assert.True(steps > 6, $"only {steps} steps were seen");
        Assert.Empty(problems);
    }

    [Theory]
    [InlineData("rm")]
    [InlineData("compact")]
    public async Task Sweep_FileSyncLeftOut_IsNoticed(string edit) =>
        Assert.NotEmpty((await SweepAsync(edit, Loss.Contents, stop => new SimulatedDisk { StopBefore = stop, SkipFileSync = true })).Problems);

    [Fact]
    public async Task Sweep_DirectorySyncLeftOut_IsNoticed() =>
        Assert.NotEmpty((await SweepAsync("compact", Loss.ContentsAndNames, stop => new SimulatedDisk { StopBefore = stop, SkipDirectorySync = true })).Problems);

    [Theory]
    [InlineData("rm", false)]
    [InlineData("rm", true)]
    [InlineData("column", false)]
    [InlineData("column", true)]
    [InlineData("compact", false)]
    [InlineData("compact", true)]
    [InlineData("vacuum", false)]
    [InlineData("vacuum", true)]
    public async Task Edit_DiskFailsAtOneOperation_StopsWithTheCauseAndEndsTheSameAgain(string edit, bool full)
    {
        var error = full ? Errno.NoSpace : Errno.InputOutput;
        for (var k = 0; ; k += Stride)
        {
            using TempFolder folder = new();
            await PrepareAsync(folder, edit);
            var at = k;
            var finished = true;
            FaultyDisk disk = new((operation, _) => operation == at || (full && operation > at) ? error : null);
            try
            {
                await EditAsync(folder, edit, disk);
            }
            catch (FailureException e)
            {
                finished = false;
                Assert.Equal((int)error, Assert.IsType<IOException>(e.InnerException).HResult);
            }

            Assert.Empty(await LookAsync(folder, edit, finished));
            if (k >= disk.Operations)
            {
                return;
            }
        }
    }

    private async Task<(int Steps, string[] Problems)> SweepAsync(string edit, Loss loss, Func<int, SimulatedDisk> make)
    {
        List<string> problems = [];
        for (var stop = Stride == 1 ? 0 : (int)loss; ; stop += Stride)
        {
            using TempFolder folder = new();
            await PrepareAsync(folder, edit);
            var disk = make(stop);
            var finished = true;
            try
            {
                await EditAsync(folder, edit, disk);
            }
            catch (FailureException e) when (e.InnerException is CrashException)
            {
                finished = false;
            }

            disk.Restart(loss);
            problems.AddRange((await LookAsync(folder, edit, finished)).Select(p => $"stopped before step {stop}: {p}"));
            if (finished || problems.Count > 3)
            {
                return (disk.Steps, [.. problems]);
            }
        }
    }

    // Seven clips in shards of three by four commits; for compact and vacuum some are removed already. Made once, then copied.
    private async Task PrepareAsync(TempFolder folder, string edit)
    {
        if (!Directory.Exists(_prepared.Cache))
        {
            await SmallIngest.RunAsync(_prepared.Cache, new LocalFileSystem(), _ => { }, Ct);
            foreach (var earlier in edit switch { "compact" => ["rm"], "vacuum" => ["rm", "compact"], _ => Array.Empty<string>() })
            {
                await EditAsync(_prepared, earlier, new LocalFileSystem());
            }

            var before = SmallIngest.Contents(_prepared.Cache);
            var removes = edit == "rm";
            _expected = (before, [.. before.Where(line => !removes || !(line.StartsWith("b.mp4", StringComparison.Ordinal) || line.StartsWith("long.mp4#1", StringComparison.Ordinal)))]);
        }

        foreach (var path in Directory.GetDirectories(_prepared.Cache, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(folder.Cache, Path.GetRelativePath(_prepared.Cache, path)));
        }

        foreach (var path in Directory.GetFiles(_prepared.Cache, "*", SearchOption.AllDirectories))
        {
            File.Copy(path, Path.Combine(folder.Cache, Path.GetRelativePath(_prepared.Cache, path)));
        }
    }

    private async Task<List<string>> LookAsync(TempFolder folder, string edit, bool finished)
    {
        List<string> problems = [];
        try
        {
            var now = SmallIngest.Contents(folder.Cache);
            var begun = Cache.Open(_prepared.Cache).Manifest.Version;
            var done = Cache.Open(folder.Cache).Manifest.Version > begun;
            if (!now.SequenceEqual(done ? _expected.After : _expected.Before) || (finished && !done))
            {
                problems.Add($"{(finished ? "it returned" : "it was stopped")}, version {begun} {(done ? "was followed" : "is the last")}: {string.Join(", ", now)}");
            }

            problems.AddRange(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors.Select(e => $"{e}"));
            if (edit != "rm" || !done)
            {
                await EditAsync(folder, edit, new LocalFileSystem());
            }

            await SmallIngest.RunAsync(folder.Cache, new LocalFileSystem(), _ => { }, Ct); // ingest goes on, and brings nothing back
            var again = SmallIngest.Contents(folder.Cache);
            if (!again.SequenceEqual(_expected.After))
            {
                problems.Add($"after the same edit again, and ingest: {string.Join(", ", again)}");
            }

            problems.AddRange(edit == "column" && Cache.Open(folder.Cache).Clips.Any(c => c.Split != "new") ? ["the column is not there"] : []);
            problems.AddRange(Directory.GetFiles(folder.Cache, "*.tmp", SearchOption.AllDirectories).Select(f => $"{f} was left"));
            var report = CacheVerifier.Verify(folder.Cache, ct: Ct);
            problems.AddRange(report.Errors.Select(e => $"at the end: {e}"));
            problems.AddRange(edit == "vacuum" && report.OtherShards > 0 ? [$"{report.OtherShards} shards of older versions were left"] : []);
        }
        catch (XkdException e)
        {
            problems.Add(e.Message);
        }

        return problems;
    }

    private static async Task EditAsync(TempFolder folder, string edit, IFileSystem disk)
    {
        CacheEditor editor = new(() => new LocalStore(folder.Cache, new RetryingFileSystem(disk, TimeProvider.System)), TimeProvider.System);
        switch (edit)
        {
            case "rm":
                await editor.RemoveAsync(ClipFilter.Parse(["id=b.mp4,long.mp4#1"]), Ct);
                break;
            case "compact":
                await editor.CompactAsync(Ct);
                break;
            case "vacuum":
                await editor.VacuumAsync(TimeSpan.Zero, Ct);
                break;
            default:
                var file = Path.Combine(folder.Path, "splits.parquet");
                await File.WriteAllBytesAsync(
                    file, await RowTable<NewSplit>.WriteAsync([.. SmallIngest.All.Select(c => new NewSplit { Id = c.Id, Split = "new" })], new Dictionary<string, string>(StringComparer.Ordinal)), Ct);
                await editor.AddColumnsAsync(file, Ct);
                break;
        }
    }

    private sealed record NewSplit
    {
        public required string Id { get; init; }

        public string Split { get; init; } = "";
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CombinatorialEditsAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(System.Reflection.MethodInfo testMethod, Xunit.Sdk.DisposalTracker disposalTracker) =>
            new([.. new[] { "rm", "column", "compact", "vacuum" }.SelectMany(edit => Enum.GetNames<Loss>().Select(loss => new TheoryDataRow<string, string>(edit, loss)))]);

        public override bool SupportsDiscoveryEnumeration() => true;
    }
}
