using Xkd.Storage;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Xkd.Model.Configuration;

/// <summary>
/// A configuration as written: dotted keys (<c>optim.lr</c>) to scalars or lists of scalars, from one YAML file, the files it
/// is <c>based_on</c> (relative to itself, overridden by what it says), and <c>--set key=value</c>.
/// </summary>
public sealed class ConfigFile
{
    private const string BasedOn = "based_on";

    private readonly Dictionary<string, ConfigValue> _values = new(StringComparer.Ordinal);

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

        foreach (string assignment in overrides ?? [])
        {
            int equals = assignment.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"--set {assignment}: write --set key=value, for example --set batch=8");
            }

            string key = assignment[..equals].Trim();
            file._values[key] = ConfigValue.Parse(assignment[(equals + 1)..].Trim(), $"--set {key}");
        }

        return file;
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

        YamlMappingNode root;
        try
        {
            YamlStream stream = [];
            using StreamReader reader = new(path);
            stream.Load(reader);
            root = stream.Documents.Count == 0 ? [] : stream.Documents[0].RootNode as YamlMappingNode
                ?? throw new UsageException($"{path}: the top level must be `key: value` lines");
        }
        catch (YamlException e)
        {
            throw new UsageException($"{path}, line {e.Start.Line}: not valid YAML: {e.Message}", e);
        }

        if (root.Children.TryGetValue(new YamlScalarNode(BasedOn), out YamlNode? parent))
        {
            Read(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, ((YamlScalarNode)parent).Value ?? string.Empty), depth + 1);
        }

        Flatten(root, string.Empty, path);
    }

    private void Flatten(YamlMappingNode node, string prefix, string path)
    {
        foreach ((YamlNode keyNode, YamlNode value) in node.Children)
        {
            string key = prefix + ((YamlScalarNode)keyNode).Value;
            string where = $"{path}, line {keyNode.Start.Line}";
            switch (value)
            {
                case YamlMappingNode map:
                    Flatten(map, key + ".", path);
                    break;
                case YamlSequenceNode list:
                    _values[key] = new ConfigValue([.. list.Children.Select(c => (c as YamlScalarNode)?.Value ?? string.Empty)], IsList: true, where);
                    break;
                case YamlScalarNode scalar when key != BasedOn:
                    _values[key] = new ConfigValue([scalar.Value ?? string.Empty], IsList: false, where);
                    break;
            }
        }
    }
}
