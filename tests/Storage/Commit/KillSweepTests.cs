using System.Collections.Concurrent;
using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>
/// Kills a writing process (SIGKILL) before each step of its commits and at random moments, lets the machine lose what was not synced, runs the same
/// ingest again and compares what is there with an uninterrupted run's.
/// </summary>
public sealed class KillSweepTests
{
    private static readonly Loss[] Losses = Enum.GetValues<Loss>();

    // XKD_TEST_KILLS=100 is the long sweep, which also kills before every single write of every commit; XKD_TEST_SEED repeats one.
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_KILLS") ?? "20", CultureInfo.InvariantCulture);
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_SEED") ?? "20240224", CultureInfo.InvariantCulture);

    private static bool All => Kills >= 100;

    [Fact]
    public async Task Ingest_KilledBeforeEachStep_EndsWithTheSameClips()
    {
        (var steps, _, var expected) = await UninterruptedAsync();
        Assert.Contains("step link 000003.json", steps);
        ConcurrentBag<string> problems = [];
        await Parallel.ForEachAsync(Enumerable.Range(0, steps.Length).Where(step => All || Telling(steps, step)), Parallelism, async (step, ct) =>
        {
            foreach (var problem in await KillAsync(step, null, inPlace: false, expected, ct))
            {
                problems.Add($"killed before step {step} ({steps[step]}): {problem}");
            }
        });
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Ingest_KilledAtRandomMoments_EndsWithTheSameClips()
    {
        (_, var whole, var expected) = await UninterruptedAsync();
        TestContext.Current.SendDiagnosticMessage($"{Kills} kills within {whole.TotalMilliseconds:F0} ms, seed {Seed}");
        Random random = new(Seed);
        TimeSpan[] lives = [.. Enumerable.Range(0, Kills).Select(_ => whole * random.NextDouble())];
        ConcurrentBag<string> problems = [];
        await Parallel.ForEachAsync(lives, Parallelism, async (life, ct) =>
        {
            foreach (var problem in await KillAsync(int.MaxValue, life, inPlace: false, expected, ct))
            {
                problems.Add($"seed {Seed}, killed after {life.TotalMilliseconds:F1} ms: {problem}");
            }
        });
        Assert.Empty(problems);
    }

    /// <summary>The sweep's own test: without sync and rename, killing alone shows it, and a power cut does.</summary>
    [Theory]
    [InlineData(nameof(Loss.Nothing))]
    [InlineData(nameof(Loss.Contents))]
    [InlineData(nameof(Loss.ContentsAndNames))]
    public async Task Sweep_SyncAndRenameLeftOut_GoesRed(string loss)
    {
        (var steps, _, var expected) = await UninterruptedAsync();
        Loss[] only = [Enum.Parse<Loss>(loss)];
        for (var step = Array.FindLastIndex(steps, s => s.StartsWith("step write 000002.json", StringComparison.Ordinal)) - 3; step < steps.Length; step++)
        {
            if ((await KillAsync(step, null, inPlace: true, expected, TestContext.Current.CancellationToken, only)).Count > 0)
            {
                return;
            }
        }

        Assert.Fail("a writer that neither syncs nor renames passed the sweep");
    }

    private static ParallelOptions Parallelism => new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = TestContext.Current.CancellationToken };

    private static async Task<(string[] Steps, TimeSpan Worked, string[] Contents)> UninterruptedAsync()
    {
        using TempFolder folder = new();
        (var lines, var worked) = await Victim.StartAsync(folder.Cache, Durable(folder), inPlace: false, int.MaxValue, null, TestContext.Current.CancellationToken);
        Assert.Equal("done", lines[^1]);
        var contents = SmallIngest.Contents(folder.Cache);
        Assert.Equal(SmallIngest.All.Length, contents.Length);
        return ([.. lines.Where(l => l.StartsWith("step ", StringComparison.Ordinal))], worked, contents);
    }

    // The folder's making and one commit that grows from another: every step, and of the many writes to one file the first two and the last.
    private static bool Telling(string[] steps, int step)
    {
        var counts = step < Array.FindIndex(steps, s => s.Contains("main-000001", StringComparison.Ordinal))
            || (step >= Array.IndexOf(steps, "step create main-000002.parquet.main.tmp") && step <= Array.IndexOf(steps, "step create main-000003.parquet.main.tmp"));
        return counts && (step < 2 || steps[step] != steps[step - 2] || steps[step] != steps[step + 1]);
    }

    // One kill, looked at after each way in which the machine can stop.
    private static async Task<List<string>> KillAsync(int before, TimeSpan? life, bool inPlace, string[] expected, CancellationToken ct, Loss[]? losses = null)
    {
        using TempFolder folder = new();
        (var lines, _) = await Victim.StartAsync(folder.Cache, Durable(folder), inPlace, before, life, ct);
        var reported = lines.Where(l => l.StartsWith("committed ", StringComparison.Ordinal)).Select(l => int.Parse(l.AsSpan("committed ".Length), CultureInfo.InvariantCulture)).LastOrDefault();
        List<string> problems = [];
        foreach (var loss in losses ?? Losses)
        {
            var after = Path.Combine(folder.Path, $"after {loss}");
            Copy(folder.Cache, after);
            PowerLossDisk.Restart(after, Durable(folder), loss);
            try
            {
                problems.AddRange((await LookAsync(after, reported, expected, ct)).Select(p => $"{loss} lost: {p}"));
            }
            catch (XkdException e)
            {
                problems.Add($"{loss} lost: {e.Message}");
            }
        }

        return problems;
    }

    private static async Task<List<string>> LookAsync(string cache, int reported, string[] expected, CancellationToken ct)
    {
        List<string> problems = [];
        var version = Directory.Exists(Path.Combine(cache, "manifest")) ? Directory.GetFiles(Path.Combine(cache, "manifest"), "*.json").Length : 0;
        if (version < reported)
        {
            problems.Add($"version {reported} was reported, {version} is there");
        }

        if (version > 0)
        {
            problems.AddRange(Cache.Open(cache).Warnings);
            problems.AddRange(SmallIngest.Contents(cache).Except(expected).Select(line => $"before running again: {line}"));
            problems.AddRange(CacheVerifier.Verify(cache, ct: ct).Errors.Select(e => $"before running again: {e}"));
        }

        await SmallIngest.RunAsync(cache, new LocalFileSystem(), _ => { }, ct);
        var contents = SmallIngest.Contents(cache);
        if (!contents.SequenceEqual(expected))
        {
            problems.Add($"{string.Join(", ", contents)} where {string.Join(", ", expected)} was expected");
        }

        problems.AddRange(Directory.GetFiles(cache, "*.tmp", SearchOption.AllDirectories).Select(f => $"{f} was left"));
        problems.AddRange(CacheVerifier.Verify(cache, ct: ct).Errors.Select(e => $"after running again: {e}"));
        return problems;
    }

    private static string Durable(TempFolder folder) => Path.Combine(folder.Path, "durable");

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var path in Directory.Exists(from) ? Directory.GetDirectories(from, "*", SearchOption.AllDirectories) : [])
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, path)));
        }

        foreach (var path in Directory.Exists(from) ? Directory.GetFiles(from, "*", SearchOption.AllDirectories) : [])
        {
            File.Copy(path, Path.Combine(to, Path.GetRelativePath(from, path)));
        }
    }
}
