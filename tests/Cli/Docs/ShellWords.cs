using System.Text;

namespace Xkd.Cli.Tests.Docs;

/// <summary>Splits a line of a shell into the words of its commands.</summary>
internal static class ShellWords
{
    private static readonly string[] Programs = ["xkd", "./xkd"];

    // What takes the name as one of its own words.
    private static readonly string[] Others = ["dotnet tool", "docker build", "tools/release/try.sh"];

    // What ends a command, or sends its output elsewhere.
    private static readonly string[] Ends = ["|", "||", "&&", "&", ";", ">", "2>"];

    /// <summary>Arguments of the first <c>xkd</c> or <c>./xkd</c> of a line, behind <c>mpirun …</c> or variables too; null where there is none.</summary>
    public static string[]? Arguments(string line)
    {
        if (Others.Any(other => line.StartsWith(other, StringComparison.Ordinal)))
        {
            return null;
        }

        string[] words = [.. Split(line)];
        var start = Array.FindIndex(words, word => Programs.Contains(word));
        return start < 0 ? null : [.. words.Skip(start + 1).TakeWhile(word => !Ends.Contains(word))];
    }

    private static IEnumerable<string> Split(string line)
    {
        StringBuilder word = new();
        char? quote = null;
        foreach (var c in line)
        {
            if (quote is null && c is '\'' or '"')
            {
                quote = c;
            }
            else if (c == quote)
            {
                quote = null;
            }
            else if (quote is null && c == '#' && word.Length == 0)
            {
                yield break;
            }
            else if (quote is not null || !char.IsWhiteSpace(c))
            {
                word.Append(c);
            }
            else if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }

        if (word.Length > 0)
        {
            yield return word.ToString();
        }
    }
}
