using System.Text.Json;

namespace Xkd.Conformance;

/// <summary>A named field of an object.</summary>
public readonly record struct GoldenProperty(string Name, GoldenField Value);

/// <summary>
/// A value of a case's <c>config</c> that knows whether it was read. What nobody read had no part in the results, so the case is a different one from
/// what was run: <see cref="Unread"/> names it.
/// </summary>
public sealed class GoldenField
{
    private readonly JsonElement _json;
    private readonly HashSet<string> _read;

    public GoldenField(JsonElement json, string path)
        : this(json, path, new HashSet<string>(StringComparer.Ordinal))
    {
    }

    private GoldenField(JsonElement json, string path, HashSet<string> read)
    {
        (_json, Path, _read) = (json, path, read);
        if (IsLeaf(json) && json.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
        {
            read.Add(path); // an empty list says all it has to say by being there
        }
    }

    /// <summary>Where the value stands: <c>config.crops.crop5.canvas[0]</c>.</summary>
    public string Path { get; }

    /// <summary>The value's kind; to have seen that it is null is to have read it.</summary>
    public JsonValueKind ValueKind
    {
        get
        {
            if (_json.ValueKind == JsonValueKind.Null)
            {
                _read.Add(Path);
            }

            return _json.ValueKind;
        }
    }

    public GoldenField this[int index] => new(_json[index], $"{Path}[{index}]", _read);

    public GoldenField GetProperty(string name) =>
        TryGetProperty(name, out var value) ? value : throw new InvalidDataException($"{Path} has no field {name}");

    public bool TryGetProperty(string name, out GoldenField value)
    {
        var found = _json.TryGetProperty(name, out var json);
        value = found ? new GoldenField(json, $"{Path}.{name}", _read) : this;
        return found;
    }

    public bool Has(string name) => _json.TryGetProperty(name, out _);

    public int GetArrayLength() => _json.GetArrayLength();

    public IEnumerable<GoldenField> EnumerateArray() => Enumerable.Range(0, _json.GetArrayLength()).Select(i => this[i]);

    public IEnumerable<GoldenProperty> EnumerateObject() => _json.EnumerateObject().Select(p => new GoldenProperty(p.Name, new GoldenField(p.Value, $"{Path}.{p.Name}", _read)));

    public int GetInt32() => Leaf().GetInt32();

    public long GetInt64() => Leaf().GetInt64();

    public double GetDouble() => Leaf().GetDouble();

    public float GetSingle() => Leaf().GetSingle();

    public bool GetBoolean() => Leaf().GetBoolean();

    public string? GetString() => Leaf().GetString();

    /// <summary>The number as the manifest writes it.</summary>
    public string GetRawText() => Leaf().GetRawText();

    public int[] Ints() => [.. EnumerateArray().Select(e => e.GetInt32())];

    public float[] Floats() => [.. EnumerateArray().Select(e => e.GetSingle())];

    public string[] Strings() => [.. EnumerateArray().Select(e => e.GetString()!)];

    /// <summary>Says that these fields, where present, describe how the case was made and decide no result.</summary>
    public void Describes(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (TryGetProperty(name, out var field))
            {
                _read.UnionWith(Leaves(field._json, field.Path));
            }
        }
    }

    /// <summary>Paths and values that nobody read.</summary>
    public IEnumerable<string> Unread() => Leaves(_json, Path).Where(path => !_read.Contains(path));

    private static IEnumerable<string> Leaves(JsonElement json, string path) => IsLeaf(json) ? [path] : json.ValueKind == JsonValueKind.Object
        ? json.EnumerateObject().SelectMany(p => Leaves(p.Value, $"{path}.{p.Name}"))
        : json.EnumerateArray().SelectMany((e, i) => Leaves(e, $"{path}[{i}]"));

    private static bool IsLeaf(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => !json.EnumerateObject().Any(),
        JsonValueKind.Array => json.GetArrayLength() == 0,
        _ => true,
    };

    private JsonElement Leaf()
    {
        _read.Add(Path);
        return _json;
    }
}
