using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd cache export</c>: a cache's clips for other programs.</summary>
internal static class CacheExportCommand
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var cache = CacheCommand.Argument();
        var format = CommonOptions.RequiredPath("--format", "webdataset: tar shards; hf: Parquet files that Hugging Face datasets loads.");
        format.AcceptOnlyFromAmong(ExportFormats.All);
        var output = Outputs.Folder(CommonOptions.RequiredPath("--out", "Folder for the files."));
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var force = CommonOptions.Force("an earlier export in --out");
        var json = CommonOptions.Json();
        Command command = new("export", "Write clips as WebDataset or for Hugging Face datasets.") { cache, format, output, where, ids, force, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var filter = ClipFilter.Parse(parsed.GetValue(where)!, parsed.GetValue(ids));
            var opened = Cache.Open(parsed.GetValue(cache)!);
            Terminal.Warn(opened.Warnings);
            ProgressLine line = new(terminal, "clips", TimeProvider.System, PlainInterval);
            CacheExportOptions options = new()
            {
                Format = parsed.GetValue(format)!, Force = parsed.GetValue(force), Progress = (done, of) => line.Report(done, of),
            };
            var (clips, files, bytes) = await CacheExporter.ExportAsync(opened, filter, parsed.GetValue(output)!, options, signals.Token).ConfigureAwait(false);
            line.Finish(clips, clips, $"{files} files, {bytes / 1e6:f1} MB in {parsed.GetValue(output)}; README.md there says what is in them");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, version = opened.Manifest.Version, clips, files, bytes });
            }

            terminal.Next($"less {Path.Combine(parsed.GetValue(output)!, "README.md")}");
            return ExitCodes.Done;
        });
        return command;
    }
}
