using System.Reflection;

namespace Xkd.Model.Method;

/// <summary>What a configuration is for, so that one that is given to another command is told by name.</summary>
/// <param name="name">Such as "an evaluation configuration".</param>
/// <param name="command">The command that takes it.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ConfigKindAttribute(string name, string command) : Attribute
{
    /// <summary>One sentence where every key of the file belongs to another kind of configuration than <typeparamref name="T"/>; else null.</summary>
    public static string? Other<T>(ConfigFile file)
    {
        string[] written = [.. file.Values.Where(v => !v.Value.Where.StartsWith("--set", StringComparison.Ordinal)).Select(v => v.Key)];
        HashSet<string> own = [.. Keys(typeof(T))];
        if (written.All(own.Contains))
        {
            return null; // what is unknown came with --set
        }

        var other = typeof(T).Assembly.GetTypes()
            .FirstOrDefault(type => type != typeof(T) && Of(type) is not null && written.All(Keys(type).ToHashSet().Contains));
        return other is null ? null : $"{file.Source} is {Of(other)!.Name}, for {Of(other)!.Command}; {Of(typeof(T))!.Command} takes {Of(typeof(T))!.Name}";
    }

    private string Name => name;

    private string Command => command;

    private static ConfigKindAttribute? Of(Type type) => type.GetCustomAttribute<ConfigKindAttribute>(inherit: false);

    private static IEnumerable<string> Keys(Type type) => ConfigBinder.Leaves(Activator.CreateInstance(type)!).Select(leaf => leaf.Key);
}
