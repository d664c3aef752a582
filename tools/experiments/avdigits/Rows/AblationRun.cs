using System.Globalization;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>The ablation from clips to table: caches, then every row with every seed that is not done yet, then the page.</summary>
internal sealed class AblationRun(AblationOptions options, Terminal terminal, TimeProvider time)
{
    private readonly AblationFolder _folder = new(options.Out);

    /// <returns>The exit code: done, or stopped and to be continued by the same command.</returns>
    /// <exception cref="FailureException">A row failed; the others are done first.</exception>
    public async Task<int> RunAsync(StopSignals signals)
    {
        DateTimeOffset? until = options.Limit is { } limit ? time.GetUtcNow() + limit : null;
        foreach ((var split, var cache) in new[] { ("train", _folder.TrainCache), ("val", _folder.ValidationCache) })
        {
            await CacheAsync(Path.Combine(options.Data, split), cache, signals.Token).ConfigureAwait(false);
        }

        IReadOnlyList<(AblationRow Row, long Seed)> all = [.. options.Seeds.SelectMany(seed => options.Rows.Select(row => (row, seed)))];
        IReadOnlyList<(AblationRow Row, long Seed)> left = [.. all.Where(r => !Run(r.Row, r.Seed).IsDone())]; // all are looked at before one starts: a table is of one configuration
        var complete = options.Jobs > 1 && left.Count > 1
            ? await new RowProcesses(options, terminal, time).RunAsync(left, until, signals.Token).ConfigureAwait(false)
            : await HereAsync(all, until, signals.Token).ConfigureAwait(false);

        AblationReport report = new(_folder, options.Size);
        foreach (var line in await report.WriteAsync(signals.Token.IsCancellationRequested ? CancellationToken.None : signals.Token).ConfigureAwait(false))
        {
            terminal.Line(line);
        }

        terminal.Line(_folder.Page);
        return complete ? ExitCodes.Done : signals.ExitCode ?? ExitCodes.Requeue;
    }

    private async Task CacheAsync(string root, string cache, CancellationToken stop)
    {
        if (!Directory.Exists(root))
        {
            throw new UsageException($"--data {options.Data}: no folder {root}; `generate` makes the corpus");
        }

        var config = options.Size.Configure(AblationRow.Full, 0, options.Overrides);
        var result = await IngestCommand.IngestAsync(new IngestOptions { Root = root, Out = cache, Fps = config.Data.Fps, ShortSide = options.Size.ShortSide }, terminal, stop).ConfigureAwait(false);
        if (result.Failed + result.FailedEarlier > 0)
        {
            throw new FailureException($"{result.Failed + result.FailedEarlier} clips of {root} failed; {cache}/ledger.jsonl names them; mend them and delete {cache} to begin again");
        }
    }

    private async Task<bool> HereAsync(IReadOnlyList<(AblationRow Row, long Seed)> rows, DateTimeOffset? until, CancellationToken stop)
    {
        foreach ((var row, var seed) in rows)
        {
            var limit = until - time.GetUtcNow();
            if (stop.IsCancellationRequested || limit <= TimeSpan.Zero || !await RowAsync(row, seed, limit, stop).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One row with one seed, on caches that are there; false where it was stopped before its end.</summary>
    public async Task<bool> RowAsync(AblationRow row, long seed, TimeSpan? limit, CancellationToken stop)
    {
        if (await Run(row, seed).RunAsync(options.Device, limit, stop).ConfigureAwait(false) is not { } result)
        {
            return false;
        }

        terminal.Line(Describe(result));
        return true;
    }

    private RowRun Run(AblationRow row, long seed) => new(_folder, row, options.Size.Configure(row, seed, options.Overrides), AblationSize.Probe(seed), terminal, time);

    /// <summary>A finished row in one line.</summary>
    public static string Describe(RowResult result) =>
        $"{result.Row} seed {result.Seed}: " + string.Join(", ", result.Probes.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key} {p.Value.Value:f1} %"))) +
        string.Create(CultureInfo.InvariantCulture, $" ({result.Steps} steps, {result.Seconds:f0} s on {result.Device})");
}
