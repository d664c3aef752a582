using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>
/// A configuration as written: dotted keys (<c>optim.lr</c>) to scalars or lists of scalars, from one YAML file, the files it
/// is <c>based_on</c> (one or a list, relative to itself, overridden by what it says), and <c>--set key=value</c>.
/// </summary>
public sealed class ConfigFile
{
    private const string BasedOn = "based_on";

    // Far beyond what a configuration has, and what its aliases may come to.
    private const int MostNodes = 10_000;

    private readonly Dictionary<string, ConfigValue> _values = new(StringComparer.Ordinal);
    private int _nodes;

    private ConfigFile(string source) => Source = source;

    /// <summary>Where the file was read from, for messages.</summary>
    public string Source { get; }

    public IReadOnlyDictionary<string, ConfigValue> Values => _values;

    /// <summary>Reads <paramref name="path"/>, or nothing where it is null, and applies <paramref name="overrides"/>, each <c>key=value</c>.</summary>
    /// <exception cref="UsageException">The file is absent, not YAML, or an override is not <c>key=value</c>.</exception>
    public static ConfigFile Load(string? path, IEnumerable<string>? overrides = null)
    {
        ConfigFile file = new(path ?? "--set");
        if (path is not null)
        {
            file.Read(path, depth: 0);
        }

        foreach (var assignment in overrides ?? [])
        {
            var equals = assignment.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"--set {assignment}: write --set key=value, for example --set batch=8");
            }

            var key = assignment[..equals].Trim();
            file._values[key] = ConfigValue.Parse(assignment[(equals + 1)..].Trim(), $"--set {key}");
        }

        return file;
    }

    /// <summary>This configuration, once some keys are left out.</summary>
    internal ConfigFile Without(IEnumerable<string> keys)
    {
        foreach (var key in keys)
        {
            _values.Remove(key);
        }

        return this;
    }

    private void Read(string path, int depth)
    {
        if (!File.Exists(path))
        {
            throw new UsageException($"{path}: no such configuration file; configs/ holds the ones that come with the project");
        }

        if (depth > 8)
        {
            throw new UsageException($"{path}: more than 8 files deep in {BasedOn}; does a file build on itself?");
        }

        var root = ConfigYaml.Read(path);
        foreach ((var already, (_, var line, var parents)) in root.Keys!.Where(k => k.Key == BasedOn).Index())
        {
            string?[] names = already > 0 ? [null] : parents.Items is { Count: > 0 } items ? [.. items.Select(item => item.Text)] : [parents.Text];
            foreach (var name in names)
            {
                var file = name is { Length: > 0 } ? name : throw ConfigYaml.Error(path, line, $"{BasedOn} must be the name of a file, or a list of names: later ones override earlier ones");
                Read(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file), depth + 1);
            }
        }

        Flatten(root, string.Empty, path, level: 1, of: 0, new HashSet<string>(StringComparer.Ordinal));
    }

    private void Flatten(ConfigNode section, string prefix, string path, int level, long of, HashSet<string> written)
    {
        foreach ((var name, var line, var value) in section.Keys!)
        {
            var key = prefix + name;
            var top = level == 1 ? line : of; // what an alias stands for was written on another line than the alias
            _nodes += 1 + (value.Items?.Count ?? 0);
            if (_nodes > MostNodes || level > ConfigYaml.MostLevels)
            {
                throw ConfigYaml.Error(path, top, $"more than {MostNodes} values or {ConfigYaml.MostLevels} levels, counted with what aliases stand for; write only what is meant");
            }

            if (!written.Add(key))
            {
                throw ConfigYaml.Error(path, line, $"{key} is written twice; remove one");
            }

            var where = $"{path}, line {line}";
            if (value.Keys is not null)
            {
                Flatten(value, key + ".", path, level + 1, top, written);
            }
            else if (value.Items is not null && key != BasedOn)
            {
                _values[key] = new ConfigValue([.. value.Items.Select(item => item.Text ?? throw ConfigYaml.Error(path, item.Line, $"{key} holds more than values; write a list such as [a, b]"))], IsList: true, where);
            }
            else if (value.Items is null && key != BasedOn)
            {
                _values[key] = new ConfigValue([value.Text!], IsList: false, where);
            }
        }
    }
}

/// <summary>One value as written, a scalar or a list of scalars, and where it was written.</summary>
public sealed record ConfigValue(IReadOnlyList<string> Items, bool IsList, string Where)
{
    /// <summary>A value as typed on the command line: <c>[a, b]</c> is a list, everything else a scalar.</summary>
    public static ConfigValue Parse(string text, string where) => text is ['[', .., ']']
        ? new ConfigValue(text[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries), IsList: true, where)
        : new ConfigValue([text.Trim('"', '\'')], IsList: false, where);

    public override string ToString() => IsList ? $"[{string.Join(", ", Items)}]" : Items[0];
}

/// <summary>A part of a YAML file: a text, a list, or keys and what stands under them.</summary>
/// <param name="Line">Where it begins.</param>
/// <param name="Text">The text; null for the others.</param>
/// <param name="Items">Of a list; null for the others.</param>
/// <param name="Keys">Of a mapping, in the order of the file; null for the others.</param>
internal sealed record ConfigNode(long Line, string? Text, IReadOnlyList<ConfigNode>? Items, IReadOnlyList<(string Key, long Line, ConfigNode Value)>? Keys);
