namespace Xkd.Model.Configuration;

/// <summary>One value as written, a scalar or a list of scalars, and where it was written.</summary>
public sealed record ConfigValue(IReadOnlyList<string> Items, bool IsList, string Where)
{
    /// <summary>A value as typed on the command line: <c>[a, b]</c> is a list, everything else a scalar.</summary>
    public static ConfigValue Parse(string text, string where) => text is ['[', .., ']']
        ? new ConfigValue(text[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries), IsList: true, where)
        : new ConfigValue([text.Trim('"', '\'')], IsList: false, where);

    public override string ToString() => IsList ? $"[{string.Join(", ", Items)}]" : Items[0];
}
