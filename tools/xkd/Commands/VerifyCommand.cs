using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd verify</c>: every byte of a cache against what was committed.</summary>
internal static class VerifyCommand
{
    private const int ShownErrors = 20;

    public static Command Create()
    {
        Argument<string> cache = new("cache") { Description = "The cache folder." };
        var json = CommonOptions.Json();
        Command command = new("verify", "Check every byte of a cache against its manifest.") { cache, json };
        command.SetAction((parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var report = CacheVerifier.Verify(parsed.GetValue(cache)!, ct: signals.Token);
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, ok = report.Ok, shards = report.Shards, rows = report.Rows, removed_rows = report.RemovedRows, other_shards = report.OtherShards, errors = report.Errors });
            }
            else
            {
                foreach (var error in report.Errors.Take(ShownErrors))
                {
                    terminal.Result($"{error.Shard}{(error.Row is long row ? $" row {row}" : string.Empty)} {error.Column}: expected {error.Expected}, got {error.Got}");
                }

                terminal.Result(report.Ok
                    ? $"ok: {report.Shards} shards, {report.Rows} rows"
                    : $"{report.Errors.Count} errors in {report.Shards} shards; ingest the damaged items again into a new cache, or restore the named shards");
                if (report.Ok && report.RemovedRows > 0)
                {
                    terminal.Result($"{report.RemovedRows} rows are of removed clips, whose bytes stay until: xkd cache compact {parsed.GetValue(cache)}");
                }

                if (report.Ok && report.OtherShards > 0)
                {
                    terminal.Result($"{report.OtherShards} shards are of older versions, or of a writer at work; the former stay until: xkd cache vacuum {parsed.GetValue(cache)}");
                }
            }

            if (report.Ok)
            {
                terminal.Next($"xkd inspect {parsed.GetValue(cache)}");
            }

            return Task.FromResult(report.Ok ? ExitCodes.Done : ExitCodes.Failed);
        });
        return command;
    }
}
