using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Cli.Hosting;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>
/// Runs rows side by side, each in a process of its own: libtorch's threads, and with them the last digit of every sum, are a process's.
/// What a row prints goes to <c>log.txt</c> of its folder.
/// </summary>
internal sealed partial class RowProcesses(AblationOptions options, Terminal terminal, TimeProvider time)
{
    private const int SigTerm = 15;
    private readonly AblationFolder _folder = new(options.Out);

    /// <returns>False where a row was stopped before its end.</returns>
    /// <exception cref="FailureException">Rows failed; each is named with its log. The others are done.</exception>
    public async Task<bool> RunAsync(IReadOnlyList<(AblationRow Row, long Seed)> rows, DateTimeOffset? until, CancellationToken stop)
    {
        List<string> failed = [];
        var complete = true;
        await Parallel.ForEachAsync(rows, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = CancellationToken.None }, async (row, _) =>
        {
            var left = until - time.GetUtcNow();
            var exit = stop.IsCancellationRequested || left <= TimeSpan.Zero ? ExitCodes.Requeue : await RunAsync(row.Row, row.Seed, left, stop).ConfigureAwait(false);
            lock (failed)
            {
                if (exit is ExitCodes.Requeue or ExitCodes.Interrupted)
                {
                    complete = false;
                }
                else if (exit != ExitCodes.Done || RowResult.Read(_folder.Result(row.Row, row.Seed)) is not { } result)
                {
                    failed.Add($"{row.Row.Name} seed {row.Seed} (exit {exit}): {Log(row.Row, row.Seed)}");
                }
                else
                {
                    terminal.Line(AblationRun.Describe(result));
                }
            }
        }).ConfigureAwait(false);
        return failed.Count == 0 ? complete : throw new FailureException($"{failed.Count} rows failed; their logs say why\n  " + string.Join("\n  ", failed));
    }

    private string Log(AblationRow row, long seed) => Path.Combine(_folder.Row(row, seed), "log.txt");

    private async Task<int> RunAsync(AblationRow row, long seed, TimeSpan? left, CancellationToken stop)
    {
        Directory.CreateDirectory(_folder.Row(row, seed));
        terminal.Line($"{row.Name} seed {seed}: {Log(row, seed)}");
        ProcessStartInfo start = new(Environment.ProcessPath!, Arguments(row, seed, left)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        StreamWriter log = new(Log(row, seed), append: true) { AutoFlush = true };
        await using (log.ConfigureAwait(false))
        {
            using var process = Process.Start(start) ?? throw new FailureException($"{start.FileName} does not start");
            DataReceivedEventHandler write = (_, line) =>
            {
                lock (log)
                {
                    log.WriteLine(line.Data);
                }
            };
            process.OutputDataReceived += write;
            process.ErrorDataReceived += write;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            using var ask = stop.Register(() => _ = Kill(process.Id, SigTerm)); // it saves at its next step
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return process.ExitCode;
        }
    }

    private string[] Arguments(AblationRow row, long seed, TimeSpan? left)
    {
        string[] arguments =
        [
            "row", "--size", options.Size.Name, "--out", options.Out, "--row", row.Name, "--seed", seed.ToString(CultureInfo.InvariantCulture), "--device", options.Device,
            .. options.LibTorch is { } folder ? ["--libtorch", folder] : Array.Empty<string>(),
            .. options.Overrides.SelectMany(o => new[] { "--set", o }),
        ];
        return left is { } minutes ? [.. arguments, "--max-minutes", minutes.TotalMinutes.ToString("f3", CultureInfo.InvariantCulture)] : arguments;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
