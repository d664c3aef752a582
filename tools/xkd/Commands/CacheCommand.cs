using System.CommandLine;
using Xkd.Cli.Caches;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd cache</c>: what clips a cache has, and changes to them.</summary>
internal static class CacheCommand
{
    private const int Shown = 40;

    public static Command Create() => new("cache", "List, edit and export the clips of a cache.")
    {
        List(), CacheEditCommands.Remove(), CacheEditCommands.Column(), CacheEditCommands.Compact(), CacheEditCommands.Vacuum(), CacheExportCommand.Create(),
    };

    public static Argument<string> Argument() => new("cache") { Description = "The cache: a folder, or s3://bucket/prefix." };

    private static Command List()
    {
        var cache = Argument();
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var limit = Numbers.Optional<int>("--limit", $"Clips to show; without it {Shown}, and all with --json.", new NumberRange(0, int.MaxValue));
        Option<bool> all = new("--all") { Description = "Show every clip." };
        var json = CommonOptions.Json();
        Command command = new("ls", "List clips.") { cache, where, ids, limit, all, json };
        command.SetAction((parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            var filter = ClipFilter.Parse(parsed.GetValue(where)!, parsed.GetValue(ids));
            var opened = Cache.Open(parsed.GetValue(cache)!);
            Terminal.Warn(opened.Warnings);
            ClipTable table = new(opened, filter);
            var most = parsed.GetValue(all) ? int.MaxValue : parsed.GetValue(limit) ?? (terminal.Json ? int.MaxValue : Shown);
            if (terminal.Json)
            {
                using var output = Console.OpenStandardOutput();
                table.WriteJson(output, most);
                return Task.FromResult(ExitCodes.Done);
            }

            foreach (var line in table.Lines(most))
            {
                terminal.Result(line);
            }

            terminal.Next($"xkd cache export {opened.Path} --format webdataset --out FOLDER", $"xkd cache rm {opened.Path} --where COLUMN=VALUE");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
