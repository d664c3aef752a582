using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>
/// Binds the dotted keys of a <see cref="ConfigFile"/> to a tree of records, key by key in snake_case, and writes such a tree
/// back as YAML. Every error is found before any is reported.
/// </summary>
public static class ConfigBinder
{
    private const int MaxSuggestionDistance = 4, MostElsewhere = 3;

    // A file of nothing but unknown keys is told by its first ones.
    private const int MostUnknown = 20, LongestKey = 100, LongestValue = 100;

    /// <summary>
    /// Binds <paramref name="file"/> to a new <typeparamref name="T"/>; what the file leaves out keeps its default.
    /// <paramref name="validate"/> adds one line per impossible value, each naming key, value and fix.
    /// </summary>
    /// <param name="file">The configuration as written.</param>
    /// <param name="validate">Adds the errors of the whole.</param>
    /// <param name="retired">Keys that older versions had, each with what to do about it.</param>
    /// <exception cref="UsageException">One line per unknown key, value of the wrong type and broken rule.</exception>
    public static T Bind<T>(ConfigFile file, Action<T, List<string>> validate, IReadOnlyDictionary<string, string>? retired = null)
        where T : class, new()
    {
        List<string> errors = [];
        T config = new();
        HashSet<string> known = new(StringComparer.Ordinal);
        Fill(config, string.Empty, file, known, errors);
        string[] unknown = [.. file.Values.Keys.Where(k => !known.Contains(k)).Order(StringComparer.Ordinal)];
        if (unknown.Length > 0 && ConfigKindAttribute.Other<T>(file) is { } other)
        {
            throw new UsageException(other);
        }

        foreach (var key in unknown.Take(MostUnknown))
        {
            errors.Add($"{file.Values[key].Where}: unknown key {Short(key, LongestKey)}{(retired?.GetValueOrDefault(key) is string removed ? $"; {removed}" : Suggest(key, known))}");
        }

        if (unknown.Length > MostUnknown)
        {
            errors.Add($"… and {unknown.Length - MostUnknown} more unknown keys");
        }

        Check(config, validate, errors, file.Source + ": ");
        return config;
    }

    /// <summary>Refuses a configuration with values out of their range, or that do not go together.</summary>
    /// <param name="config">Made in code.</param>
    /// <param name="validate">Adds the errors of the whole.</param>
    /// <exception cref="UsageException">One line per error.</exception>
    internal static void Check<T>(T config, Action<T, List<string>> validate)
        where T : class => Check(config, validate, [], string.Empty);

    private static void Check<T>(T config, Action<T, List<string>> validate, List<string> errors, string source)
        where T : class
    {
        errors.AddRange(OutOfRange(config));
        validate(config, errors);
        if (errors.Count > 0)
        {
            throw new UsageException($"{source}{errors.Count} {(errors.Count == 1 ? "error" : "errors")} in the configuration\n  " + string.Join("\n  ", errors));
        }
    }

    /// <summary>The whole tree as YAML, defaults included: reading it back gives the same tree.</summary>
    public static string ToYaml(object config)
    {
        StringBuilder text = new();
        Write(config, 0, text);
        return text.ToString();
    }

    /// <summary>Every leaf as <c>(dotted key, text)</c>, for comparing two configurations key by key.</summary>
    public static IEnumerable<(string Key, string Value)> Leaves(object config, string prefix = "")
    {
        foreach (var property in Properties(config.GetType()))
        {
            var value = property.GetValue(config);
            var key = prefix + SnakeCase(property.Name);
            if (IsSection(property.PropertyType))
            {
                foreach (var leaf in Leaves(value!, key + "."))
                {
                    yield return leaf;
                }
            }
            else
            {
                yield return (key, Format(value));
            }
        }
    }

    /// <summary>One line for each number of the tree that is outside of what its declaration allows (see <see cref="WithinAttribute"/>), and for each list that is null.</summary>
    internal static IEnumerable<string> OutOfRange(object config, string prefix = "")
    {
        foreach (var property in Properties(config.GetType()))
        {
            var value = property.GetValue(config);
            var key = prefix + SnakeCase(property.Name);
            var element = property.PropertyType.IsArray ? property.PropertyType.GetElementType()! : property.PropertyType;
            if (IsSection(property.PropertyType))
            {
                foreach (var problem in OutOfRange(value!, key + "."))
                {
                    yield return problem;
                }
            }
            else if (value is null && property.PropertyType.IsArray)
            {
                yield return $"{key} is null; write {Describe(property.PropertyType, property)}";
            }
            else if (value is Array numbers && IsNumber(element) && !HasItsShape(numbers, WithinOf(property)))
            {
                yield return $"{key} is {Short(Format(value), LongestValue)}; write {Describe(property.PropertyType, property)}";
            }
            else if (value is not null && IsNumber(element) && (value is Array list ? list.Cast<object>() : [value]).Any(v => !TryConvertScalar(Format(v), element, RangeOf(property), out _, out _)))
            {
                yield return $"{key} is {Short(Format(value), LongestValue)}; write {Describe(property.PropertyType, property)}";
            }
        }
    }

    internal static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i > 0 && !char.IsUpper(name[i - 1]) ? "_" : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));

    private static void Fill(object section, string prefix, ConfigFile file, HashSet<string> known, List<string> errors)
    {
        foreach (var property in Properties(section.GetType()))
        {
            var key = prefix + SnakeCase(property.Name);
            if (IsSection(property.PropertyType))
            {
                Fill(property.GetValue(section)!, key + ".", file, known, errors);
                continue;
            }

            known.Add(key);
            if (!file.Values.TryGetValue(key, out var written))
            {
                continue;
            }

            if (TryConvert(written, property, out var value, out var fix))
            {
                property.SetValue(section, value);
            }
            else
            {
                errors.Add($"{written.Where}: {key} is '{Short(written.ToString(), LongestValue)}'; {fix}");
            }
        }
    }

    private static string Short(string text, int most) => text.Length <= most ? text : text[..most] + "…";

    internal static PropertyInfo[] Properties(Type type) => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite && p.GetIndexParameters().Length == 0)];

    internal static bool IsSection(Type type) => type.IsClass && type != typeof(string) && !type.IsArray;

    private static bool IsNumber(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain && (plain == typeof(int) || plain == typeof(long) || plain == typeof(double));

    private static WithinAttribute WithinOf(PropertyInfo property) => property.GetCustomAttribute<WithinAttribute>()
        ?? throw new NotSupportedException($"{property.DeclaringType}.{property.Name} does not say within which numbers it lies");

    private static NumberRange RangeOf(PropertyInfo property) => WithinOf(property).Range;

    private static bool HasItsShape(Array numbers, WithinAttribute within)
    {
        double[] values = [.. numbers.Cast<IConvertible>().Select(n => n.ToDouble(CultureInfo.InvariantCulture))];
        return (within.Count == 0 || values.Length == within.Count) && (!within.Rising || values.Zip(values.Skip(1)).All(pair => pair.First <= pair.Second));
    }

    private static bool TryConvert(ConfigValue written, PropertyInfo property, out object? value, out string fix)
    {
        value = null;
        Type type = property.PropertyType, element = type.IsArray ? type.GetElementType()! : type;
        var range = IsNumber(element) ? RangeOf(property) : null;
        fix = $"write {Describe(type, property)}";
        if (!type.IsArray)
        {
            if (written.IsList || TryConvertScalar(written.Items[0], type, range, out value, out var better))
            {
                return !written.IsList;
            }

            fix = better ?? fix;
            return false;
        }

        var repeats = !written.IsList && range is not null && WithinOf(property).OneForAll;
        var array = Array.CreateInstance(element, repeats ? WithinOf(property).Count : written.Items.Count);
        for (var i = 0; i < array.Length; i++)
        {
            if (!TryConvertScalar(written.Items[repeats ? 0 : i], element, range, out var item, out _))
            {
                return false;
            }

            array.SetValue(item, i);
        }

        value = array;
        return true;
    }

    // The fix is null where the type says it all.
    private static bool TryConvertScalar(string text, Type type, NumberRange? range, out object? value, out string? fix)
    {
        (value, fix) = (null, null);
        if (Nullable.GetUnderlyingType(type) is Type inner)
        {
            return text is "" or "null" or "~" || TryConvertScalar(text, inner, range, out value, out fix);
        }

        if (type == typeof(string))
        {
            value = text;
            return true;
        }

        if (type == typeof(bool))
        {
            var parsed = bool.TryParse(text, out var b);
            value = b;
            return parsed;
        }

        if (type.IsEnum)
        {
            var name = Array.Find(Enum.GetNames(type), n => SnakeCase(n) == text);
            value = name is null ? null : Enum.Parse(type, name);
            return name is not null;
        }

        return type == typeof(double) ? TryRead<double>(text, range!, out value, out fix)
            : type == typeof(int) ? TryRead<int>(text, range!, out value, out fix)
            : type == typeof(long) ? TryRead<long>(text, range!, out value, out fix)
            : throw new NotSupportedException($"a configuration cannot hold {type}");
    }

    private static bool TryRead<T>(string text, NumberRange range, out object? value, out string? fix)
        where T : struct, INumber<T>
    {
        var read = range.TryRead(text, out T number, out var better);
        (value, fix) = (number, better);
        return read;
    }

    internal static string Describe(Type type, PropertyInfo property)
    {
        if (type.IsArray)
        {
            var within = property.GetCustomAttribute<WithinAttribute>();
            var list = within is { Count: > 0 } ? $"[{within.Items}]" : "a list such as [a, b]";
            return $"{list}, each {Describe(type.GetElementType()!, property)}{(within is { Rising: true } ? ", the smaller first" : string.Empty)}{(within is { OneForAll: true } ? "; one number stands for all" : string.Empty)}";
        }

        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var or = plain == type ? string.Empty : " or null";
        return (plain.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(plain).Select(SnakeCase))
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(string) ? "a text"
            : RangeOf(property).Describe(plain)) + or;
    }

    private static void Write(object section, int indent, StringBuilder text)
    {
        foreach (var property in Properties(section.GetType()))
        {
            var value = property.GetValue(section);
            text.Append(' ', indent).Append(SnakeCase(property.Name)).Append(':');
            if (IsSection(property.PropertyType))
            {
                text.Append('\n');
                Write(value!, indent + 2, text);
            }
            else
            {
                text.Append(' ').Append(Format(value)).Append('\n');
            }
        }
    }

    internal static string Format(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        Enum e => SnakeCase(e.ToString()),
        string text when !IsPlain(text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        Array a => $"[{string.Join(", ", a.Cast<object>().Select(Format))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    // What YAML takes for a text as it stands, in a list too.
    private static bool IsPlain(string text) => text.Length > 0 && text.All(static c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ' ' or '+') && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1])
        && char.IsLetterOrDigit(text[0]) | text[0] == '/';

    internal static string Suggest(string key, IEnumerable<string> known)
    {
        // The right name in the wrong section is nearer than any spelling.
        var name = key[(key.LastIndexOf('.') + 1)..];
        string[] elsewhere = [.. known.Where(k => k == name || k.EndsWith("." + name, StringComparison.Ordinal))];
        if (elsewhere.Length is > 0 and <= MostElsewhere)
        {
            return $"; did you mean {string.Join(" or ", elsewhere)}?";
        }

        if (Spelling.Nearest(key, known, MaxSuggestionDistance) is { } nearest)
        {
            return $"; did you mean {nearest}?";
        }

        // Nothing is near: what the section holds, or what sections there are.
        var section = key[..(key.LastIndexOf('.') + 1)];
        string[] held = [.. known.Where(k => k.StartsWith(section, StringComparison.Ordinal)).Select(k => k[section.Length..].Split('.')[0]).Distinct()];
        return held.Length > 0 && section.Length > 0
            ? $"; {section[..^1]} has {string.Join(", ", held)}"
            : $"; known are {string.Join(", ", known.Select(k => k.Split('.')[0]).Distinct())}";
    }
}
