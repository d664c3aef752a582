using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd cache rm</c>, <c>column</c>, <c>compact</c> and <c>vacuum</c>: each makes a new version of the cache.</summary>
internal static class CacheEditCommands
{
    public static Command Remove()
    {
        var cache = CacheCommand.Argument();
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask on a terminal." };
        var json = CommonOptions.Json();
        Command command = new("rm", "Remove clips; their bytes stay until compact and vacuum.") { cache, where, ids, yes, json };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetValue(cache)!;
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var filter = ClipFilter.Parse(parsed.GetValue(where)!, parsed.GetValue(ids));
            if (filter.IsAll)
            {
                throw new UsageException("rm would remove every clip: name some by --where or --ids, or delete the cache");
            }

            if (!parsed.GetValue(yes) && !terminal.Confirm(() => $"remove {Count(filter.Select(Cache.Open(path).Clips).Length)} of {path}?"))
            {
                return ExitCodes.Interrupted;
            }

            var removed = await new CacheEditor(path, TimeProvider.System).RemoveAsync(filter, signals.Token).ConfigureAwait(false);
            var left = Cache.Open(path).Manifest;
            terminal.Result($"removed {Count(removed)}; {left.Clips} are left, in version {left.Version}");
            terminal.Line("their bytes stay, and older versions show them, until compact and vacuum");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, version = left.Version, removed, clips = left.Clips });
            }

            terminal.Next($"xkd cache compact {path} && xkd cache vacuum {path} --older-than 0");

            return ExitCodes.Done;
        });
        return command;
    }

    public static Command Column()
    {
        var cache = CacheCommand.Argument();
        var from = CommonOptions.RequiredPath("--from", "A Parquet file with a column id, and others to add; label, labels, split, folds replace the cache's.");
        var json = CommonOptions.Json();
        Command command = new("column", "Add columns, or replace labels, splits and folds.") { cache, from, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var (names, clips) = await new CacheEditor(parsed.GetValue(cache)!, TimeProvider.System).AddColumnsAsync(parsed.GetValue(from)!, signals.Token)
                .ConfigureAwait(false);
            terminal.Result($"{(names.Count == 1 ? "column" : "columns")} {string.Join(", ", names)}: the file names {Count(clips)} of the cache");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, columns = names, clips });
            }

            terminal.Next($"xkd cache ls {parsed.GetValue(cache)} --where {names[0]}=VALUE");

            return ExitCodes.Done;
        });
        return command;
    }

    public static Command Compact()
    {
        var cache = CacheCommand.Argument();
        var json = CommonOptions.Json();
        Command command = new("compact", "Write shards without removed clips, and the index as few files; converts a cache of schema 1.") { cache, json };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetValue(cache)!;
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var (shards, erased, converted) = await new CacheEditor(path, TimeProvider.System).CompactAsync(signals.Token).ConfigureAwait(false);
            terminal.Result(converted
                ? $"converted from schema 1 to {Manifest.CurrentSchema}: {shards} shards"
                : $"wrote {shards} shards anew, without {Count(erased)} that were removed; the index is compact");
            terminal.Line("older versions and their files stay for whoever reads them, until vacuum");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, converted, shards, erased });
            }

            terminal.Next($"xkd cache vacuum {path}");
            return ExitCodes.Done;
        });
        return command;
    }

    public static Command Vacuum()
    {
        var cache = CacheCommand.Argument();
        Option<Age> age = new("--older-than")
        {
            Description = "Remove versions older than this: 7d, 12h, 30m, 45s, or 0 for all but the newest.",
            CustomParser = Sizes.ParseAge,
            DefaultValueFactory = _ => new Age(TimeSpan.FromDays(7)),
        };
        var json = CommonOptions.Json();
        Command command = new("vacuum", "Remove old versions, and the files that no later version names.") { cache, age, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var (versions, files, bytes) = await new CacheEditor(parsed.GetValue(cache)!, TimeProvider.System).VacuumAsync(parsed.GetValue(age).Time, signals.Token)
                .ConfigureAwait(false);
            terminal.Result($"removed {versions} versions and {files} files that none names: {bytes / 1e6:f1} MB");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, versions, files, bytes });
            }

            terminal.Next($"xkd verify {parsed.GetValue(cache)}");

            return ExitCodes.Done;
        });
        return command;
    }

    private static string Count(long clips) => clips == 1 ? "1 clip" : $"{clips} clips";
}
