using Xkd.Storage;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Xkd.Model.Method;

/// <summary>
/// Reads one YAML file from its events, within bounds that no configuration comes near: whatever a file holds, it is read or refused in a moment. An alias stands for a part that is complete,
/// so that none contains itself; how much several of them come to is for the one to count who follows them.
/// </summary>
internal sealed class ConfigYaml
{
    public const int MostLevels = 16;

    private const int MostCharacters = 1 << 20;

    private readonly string _path;
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, ConfigNode> _anchors = [];

    private ConfigYaml(string path, string text) => (_path, _parser) = (path, new Parser(new StringReader(text)));

    /// <summary>The mapping that the file is; one without keys where it is empty.</summary>
    /// <exception cref="UsageException">It is not YAML, not one mapping of texts, or out of bounds; names the line.</exception>
    public static ConfigNode Read(string path)
    {
        ConfigYaml file = new(path, Text(path));
        try
        {
            return file.Document();
        }
        catch (YamlException e)
        {
            throw Error(path, e.Start.Line, $"not valid YAML: {e.Message}", e);
        }
    }

    public static UsageException Error(string path, long line, string problem, Exception? cause = null) => new($"{path}, line {line}: {problem}", cause);

    // Read to a bound: neither a file that was grown nor one without an end is taken into memory.
    private static string Text(string path)
    {
        using StreamReader reader = new(path);
        var block = new char[MostCharacters + 1];
        string text = new(block, 0, reader.ReadBlock(block));
        var nul = text.IndexOf('\0', StringComparison.Ordinal); // where the parser would end without a word
        if (nul >= 0)
        {
            throw Error(path, Lines(text[..nul]), "it holds a NUL character; remove it, and what is not text");
        }

        return text.Length <= MostCharacters ? text : throw Error(path, Lines(text), $"it goes on beyond {MostCharacters} characters; name a configuration");

        static long Lines(string part) => 1 + part.AsSpan().Count('\n');
    }

    private ConfigNode Document()
    {
        _ = Next<StreamStart>();
        if (Next<ParsingEvent>() is StreamEnd)
        {
            return new ConfigNode(1, null, null, []);
        }

        var root = Node(Next<ParsingEvent>(), level: 1);
        _ = Next<DocumentEnd>();
        return Next<ParsingEvent>() is not StreamEnd and var more
            ? throw Error(_path, more.Start.Line, "a second document begins here, which would not be read; a configuration is one, without a line --- in it")
            : root.Keys is not null || root.Text == string.Empty ? root with { Keys = root.Keys ?? [] }
            : throw Error(_path, root.Line, "the top level must be `key: value` lines");
    }

    private T Next<T>()
        where T : ParsingEvent => _parser.MoveNext() && _parser.Current is T at ? at : throw new YamlException("it ends too early");

    private ConfigNode Node(ParsingEvent at, int level)
    {
        if (level > MostLevels)
        {
            throw Error(_path, at.Start.Line, $"nested more than {MostLevels} levels deep; write plain sections of keys");
        }

        if (at is AnchorAlias alias)
        {
            return _anchors.TryGetValue(alias.Value, out var named)
                ? named
                : throw Error(_path, at.Start.Line, $"*{alias.Value} stands for nothing that is complete before this line; write the value itself");
        }

        var node = at switch
        {
            Scalar scalar => new ConfigNode(at.Start.Line, scalar.Value, null, null),
            SequenceStart => new ConfigNode(at.Start.Line, null, Items(level), null),
            _ => new ConfigNode(at.Start.Line, null, null, Keys(level)),
        };
        if (at is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _anchors[anchored.Anchor] = node;
        }

        return node;
    }

    private List<ConfigNode> Items(int level)
    {
        List<ConfigNode> items = [];
        for (var at = Next<ParsingEvent>(); at is not SequenceEnd; at = Next<ParsingEvent>())
        {
            items.Add(Node(at, level + 1));
        }

        return items;
    }

    private List<(string Key, long Line, ConfigNode Value)> Keys(int level)
    {
        List<(string Key, long Line, ConfigNode Value)> keys = [];
        for (var at = Next<ParsingEvent>(); at is not MappingEnd; at = Next<ParsingEvent>())
        {
            keys.Add(at is Scalar { Value: var key }
                ? (key, at.Start.Line, Node(Next<ParsingEvent>(), level + 1))
                : throw Error(_path, at.Start.Line, "a key must be a text"));
        }

        return keys;
    }
}
