using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>A key of a configuration, as its declaration has it.</summary>
/// <param name="Name">Dotted, such as <c>optim.lr</c>.</param>
/// <param name="Type">What it takes, in words, range included.</param>
/// <param name="Default">As YAML.</param>
/// <param name="Meaning">What it does, with its unit.</param>
public sealed record ConfigKey(string Name, string Type, string Default, string Meaning);

/// <summary>The reference of a configuration's keys, read from their declarations: the property, its range, its default and its documentation comment.</summary>
public static partial class ConfigReference
{
    private static readonly Lazy<Dictionary<string, XElement>> Comments = new(ReadComments);

    /// <summary>Every key, in the order of a written configuration.</summary>
    public static IReadOnlyList<ConfigKey> Of<T>()
        where T : class, new() => [.. Keys(new T(), string.Empty)];

    /// <summary>The key of a name, or all of the section of that name.</summary>
    /// <exception cref="UsageException">There is no such key; the nearest is named.</exception>
    public static IReadOnlyList<ConfigKey> Find<T>(string name)
        where T : class, new()
    {
        var all = Of<T>();
        ConfigKey[] found = [.. all.Where(key => key.Name == name || key.Name.StartsWith(name + ".", StringComparison.Ordinal))];
        return found.Length > 0 ? found : throw new UsageException($"unknown key {name}{ConfigBinder.Suggest(name, all.Select(key => key.Name))}");
    }

    private static IEnumerable<ConfigKey> Keys(object section, string prefix)
    {
        foreach (var property in ConfigBinder.Properties(section.GetType()))
        {
            var (name, value) = (prefix + ConfigBinder.SnakeCase(property.Name), property.GetValue(section));
            if (!ConfigBinder.IsSection(property.PropertyType))
            {
                yield return new ConfigKey(name, ConfigBinder.Describe(property.PropertyType, property), ConfigBinder.Format(value), Meaning(property));
                continue;
            }

            foreach (var key in Keys(value!, name + "."))
            {
                yield return key;
            }
        }
    }

    private static string Meaning(PropertyInfo property) => Comments.Value.TryGetValue($"P:{property.DeclaringType!.FullName}.{property.Name}", out var comment)
        ? Spaces().Replace(string.Concat(comment.Element("summary")!.Nodes().Select(Text)), " ").Trim()
        : throw new NotSupportedException($"{property.DeclaringType}.{property.Name} has no documentation comment");

    // Another key is named by a cref in code and by its own name here.
    private static string Text(XNode node) => node switch
    {
        XElement { Name.LocalName: "see" } see => ConfigBinder.SnakeCase(((string?)see.Attribute("cref") ?? see.Value).Split('.', ':')[^1]),
        XElement element => element.Value,
        XText text => text.Value, // as a reader sees it: > and not &gt;
        _ => string.Empty,
    };

    private static Dictionary<string, XElement> ReadComments()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Xkd.Model.xml");
        return File.Exists(file)
            ? XDocument.Load(file).Descendants("member").Where(member => member.Element("summary") is not null).ToDictionary(member => (string)member.Attribute("name")!, StringComparer.Ordinal)
            : throw new FailureException($"{file} is missing, which holds what the keys mean; build the project again");
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
