using System.CommandLine;
using System.CommandLine.Parsing;

namespace Xkd.Cli.Hosting;

/// <summary>Where results may be written: nothing goes into a cache, and no file takes a folder's name. Whether an option is one is said where it is declared.</summary>
internal static class Outputs
{
    /// <summary>A file that is written, its folder made where there is none.</summary>
    public static Option<T> File<T>(Option<T> option)
    {
        option.Validators.Add(result => Refuse(result, option.Name, Directory.Exists, "is a folder; name a file"));
        return option;
    }

    /// <summary>A folder that is written to, made where there is none.</summary>
    public static Option<T> Folder<T>(Option<T> option)
    {
        option.Validators.Add(result => Refuse(result, option.Name, System.IO.File.Exists, "is a file; name a folder, absent or your own"));
        return option;
    }

    private static void Refuse(OptionResult result, string name, Func<string, bool> isOther, string why)
    {
        foreach (string path in result.Tokens.Select(t => t.Value).Where(p => p.Length > 0))
        {
            if (isOther(path))
            {
                result.AddError($"{name} {path} {why}");
            }
            else if (CacheAbove(path) is { } cache)
            {
                result.AddError($"{name} {path} lies in the cache {cache}, which holds nothing but its own; name a place outside of it");
            }
        }
    }

    private static string? CacheAbove(string path)
    {
        string? at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        while (at is not null && !(Directory.Exists(Path.Combine(at, "manifest")) && Directory.Exists(Path.Combine(at, "shards"))))
        {
            at = Path.GetDirectoryName(at);
        }

        return at;
    }
}
