namespace Xkd.Storage.Tests;

/// <summary>
/// Stops a run that replaces and removes clips before each of its disk steps: of every item either the old clips or the new ones must be there, never both and never none; and the same run again must
/// end with the new ones.
/// </summary>
public sealed class ReplaceCrashTests
{
    private static readonly ClipRecord[] Old = [Small("a"), Small("b"), Small("gone"), Small("long#0", "long"), Small("long#1", "long"), Small("broken"), Small("from/moved")];
    private static readonly ClipRecord[] New = [Renewed("a"), Small("b"), Renewed("long"), Small("broken"), Small("to/moved"), Small("fresh")];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(nameof(Loss.Nothing))]
    [InlineData(nameof(Loss.Contents))]
    [InlineData(nameof(Loss.ContentsAndNames))]
    public async Task Replace_StoppedBeforeAnyStep_LeavesOldOrNewAndRunsAgainToTheNew(string loss)
    {
        (var steps, var problems) = await SweepAsync(Enum.Parse<Loss>(loss), stop => new SimulatedDisk { StopBefore = stop });
        Assert.True(steps > 40, $"only {steps} steps were seen");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Sweep_FileSyncLeftOut_IsNoticed() =>
        Assert.NotEmpty((await SweepAsync(Loss.Contents, stop => new SimulatedDisk { StopBefore = stop, SkipFileSync = true })).Problems);

    private static async Task<(int Steps, string[] Problems)> SweepAsync(Loss loss, Func<int, SimulatedDisk> make)
    {
        List<string> problems = [];
        for (var stop = 0; ; stop++)
        {
            using TempFolder folder = new();
            await Clips.WriteAsync(folder.Cache, Old);
            var disk = make(stop);
            var finished = true;
            try
            {
                await RunAsync(folder.Cache, disk);
            }
            catch (FailureException e) when (e.InnerException is CrashException)
            {
                finished = false;
            }

            disk.Restart(loss);
            problems.AddRange((await LookAsync(folder, finished)).Select(p => $"stopped before step {stop}: {p}"));
            if (finished || problems.Count > 0)
            {
                return (disk.Steps, [.. problems]);
            }
        }
    }

    // What is settled already is left, as an ingest leaves it.
    private static async Task RunAsync(string cache, IFileSystem disk)
    {
        await using var writer = await CacheWriter.OpenAsync(cache, Clips.Fingerprint, new CacheWriterOptions { ShardRows = 2, RowGroupRows = 1 }, TimeProvider.System, disk, Ct);
        string[] open = [.. new[] { "a", "long", "broken", "gone", "from/moved" }.Where(item => writer.Ledger[item] is { State: ItemState.Committed, Bytes: null })];
        writer.Reopen(open);
        if (open.Contains("broken"))
        {
            await writer.AppendAsync(Renewed("broken"), Ct);
            await writer.SettleAsync(Clips.Failed("broken"), Ct);
        }

        if (open.Contains("gone"))
        {
            await writer.SettleAsync(Clips.Committed("gone") with { State = ItemState.Removed }, Ct);
        }

        foreach (var clip in new[] { Renewed("a"), Renewed("long"), Small("to/moved"), Small("fresh") }.Where(c => open.Contains(c.Id) || !writer.Ledger.ContainsKey(c.Id)))
        {
            await writer.AppendAsync(clip, Ct);
            if (clip.Id == "to/moved")
            {
                await writer.SettleAsync(Clips.Committed("from/moved") with { State = ItemState.Removed }, Ct);
            }

            await writer.SettleAsync(Clips.Committed(clip.Id) with { Bytes = 1 }, Ct);
            if (clip.Id == "a")
            {
                await writer.CommitAsync(Ct);
            }
        }

        await writer.CommitAsync(Ct);
    }

    private static async Task<List<string>> LookAsync(TempFolder folder, bool finished)
    {
        List<string> problems = [];
        try
        {
            var left = Cache.Open(folder.Cache);
            problems.AddRange(left.Warnings);
            problems.AddRange(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors.Select(e => $"{e}"));
            foreach (var id in left.Clips.Select(c => c.Id))
            {
                if (!Same(New, left, id) && !Same(Old, left, id))
                {
                    problems.Add($"{id} is neither the old nor the new");
                }
            }

            string[][] either = [["from/moved", "to/moved"], ["long", "long#0"]];
            problems.AddRange(either.Where(ids => left.Clips.Count(c => ids.Contains(c.Id)) != 1).Select(ids => $"not one of {string.Join(", ", ids)}"));
            problems.AddRange(new[] { "a", "b", "broken" }.Where(id => left.Clips.All(c => c.Id != id)).Select(id => $"{id} is lost"));
            var ledger = left.ReadLedger();
            problems.AddRange(left.Clips.Where(c => ledger[c.Item ?? c.Id].State != ItemState.Committed).Select(c => $"{c.Id} is there and not committed"));

            if (!finished)
            {
                await RunAsync(folder.Cache, new SimulatedDisk());
            }

            var cache = Cache.Open(folder.Cache);
            Assert.Equal(New.Select(c => c.Id).Order(StringComparer.Ordinal), cache.Clips.Select(c => c.Id));
            Array.ForEach(New, clip => Clips.AssertSame(clip, cache));
            Assert.Equal(cache.Clips.Count, cache.Manifest.Clips);
            Assert.Equal(["a", "b", "broken", "fresh", "from/moved", "gone", "long", "to/moved"], File.ReadLines(folder.In("ledger.jsonl")).Select(l => l.Split('"')[3]));
            Assert.Empty(Directory.GetFiles(folder.Cache, "*.tmp", SearchOption.AllDirectories));
            Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
        }
        catch (XkdException e)
        {
            problems.Add(e.Message);
        }

        return problems;
    }

    private static bool Same(ClipRecord[] expected, Cache cache, string id)
    {
        if (Array.Find(expected, c => c.Id == id) is not { } clip)
        {
            return false;
        }

        var found = cache.Clips.Single(c => c.Id == id);
        using ClipReader reader = new(cache);
        var frames = new byte[found.NumFrames * found.FrameBytes];
        reader.ReadFrames(found, 0, found.NumFrames, frames);
        return clip.Frames.Span.SequenceEqual(frames);
    }

    private static ClipRecord Small(string id, string? item = null) => Clips.Make(id, frames: 2, height: 3, width: 4, melFrames: 2, item: item);

    private static ClipRecord Renewed(string id) => Small($"new {id}") with { Id = id, SourceItem = id };
}
