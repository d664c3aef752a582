using System.CommandLine;
using System.CommandLine.Parsing;

namespace Xkd.Cli.Hosting;

/// <summary>Where results may be written: nothing goes into a cache, and no folder takes a file's name. Whether an option is one is said where it is declared.</summary>
internal static class Outputs
{
    /// <summary>A file that is written, its folder made where there is none.</summary>
    public static Option<T> File<T>(Option<T> option)
    {
        option.Validators.Add(result => Refuse(result, option.Name, isFolder: false));
        return option;
    }

    /// <summary>A folder that is written to, made where there is none.</summary>
    public static Option<T> Folder<T>(Option<T> option)
    {
        option.Validators.Add(result => Refuse(result, option.Name, isFolder: true));
        return option;
    }

    private static void Refuse(OptionResult result, string name, bool isFolder)
    {
        foreach (var path in result.Tokens.Select(t => t.Value).Where(p => p.Length > 0))
        {
            if (isFolder && System.IO.File.Exists(path))
            {
                result.AddError($"{name} {path} cannot be written to: it is a file; name a folder, absent or your own");
            }
            else if (CacheAbove(path) is { } cache)
            {
                result.AddError($"{name} {path} lies in the cache {cache}, which holds nothing but its own; name a place outside of it");
            }
        }
    }

    private static string? CacheAbove(string path)
    {
        var at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        while (at is not null && !(Directory.Exists(Path.Combine(at, "manifest")) && Directory.Exists(Path.Combine(at, "shards"))))
        {
            at = Path.GetDirectoryName(at);
        }

        return at;
    }
}
