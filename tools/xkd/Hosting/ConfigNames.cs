using System.CommandLine;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>Configurations that come with the program, which stand for their files by name: <c>tiny</c>, <c>pretrain/tiny</c>.</summary>
internal static class ConfigNames
{
    private const string Extension = ".yaml";

    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "configs");

    /// <summary>Makes a name of <paramref name="folder"/> do for a path, and offers the names to a shell.</summary>
    public static Option<string?> Accept(Option<string?> option, string folder)
    {
        option.CustomParser = result =>
        {
            var path = result.Tokens.Count == 0 ? null : Find(result.Tokens[0].Value, folder);
            if (result.Tokens.Count > 0 && path is null)
            {
                result.AddError(Unknown(option.Name, result.Tokens[0].Value, folder));
            }

            return path;
        };
        option.HelpName = "file or name";
        option.CompletionSources.Add(_ => Names(folder).Select(name => new System.CommandLine.Completions.CompletionItem(name)));
        return option;
    }

    /// <summary>The names in a folder of configurations, sorted.</summary>
    public static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*" + Extension)
            .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    /// <summary>The file that is meant; null where there is none. A file of the user's own comes first.</summary>
    private static string? Find(string name, string folder)
    {
        const string Prefix = "configs/";
        var within = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
        string[] candidates = [Path.Combine(Root, folder, name), Path.Combine(Root, within)];
        return candidates.SelectMany(path => (string[])[path, path + Extension]).Prepend(name).FirstOrDefault(File.Exists);
    }

    private static string Unknown(string option, string name, string folder)
    {
        var meant = Spelling.Nearest(name, Names(folder)) is { } nearest ? $"did you mean {nearest}? It" : "it";
        return $"{option} {name}: no such file; {meant} may also be a name: {string.Join(", ", Names(folder))}";
    }
}
