using System.Runtime.InteropServices;
using System.Text.Json;
using Xkd.Model.Weights;

namespace Xkd.Conformance;

/// <summary>One case of a golden manifest: its configuration, inputs and expected results.</summary>
public sealed class GoldenCase
{
    private readonly SafetensorsFile? _file;
    private readonly Dictionary<string, double> _scalars = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <param name="directory">The golden set's folder.</param>
    /// <param name="json">The case in its manifest.</param>
    /// <param name="device">Where networks and objectives run: cpu or cuda.</param>
    public GoldenCase(string directory, JsonElement json, string device = "cpu")
    {
        DeviceName = device;
        Json = json;
        Id = json.GetProperty("id").GetString()!;
        Topic = json.GetProperty("topic").GetString()!;
        // A case may be all lists, without tensors (layer decay groups).
        _file = json.TryGetProperty("file", out var file) ? SafetensorsFile.Open(Path.Combine(directory, file.GetString()!)) : null;
        if (json.TryGetProperty("scalars", out var scalars))
        {
            foreach (var scalar in scalars.EnumerateObject())
            {
                _scalars.Add(scalar.Name, scalar.Value.ValueKind == JsonValueKind.Number
                    ? scalar.Value.GetDouble()
                    : throw new InvalidDataException($"scalar {scalar.Name} is {scalar.Value.GetRawText()}, not a number"));
            }
        }

        Config = new GoldenField(json.GetProperty("config"), "config");
    }

    public string DeviceName { get; }

    public string Id { get; }

    public string Topic { get; }

    /// <summary>The whole case as written in the manifest.</summary>
    public JsonElement Json { get; }

    /// <summary>How the case was made; what of it nobody read fails the case.</summary>
    public GoldenField Config { get; }

    /// <summary>Every tensor name stored in the case's file.</summary>
    public IEnumerable<string> TensorNames => _file?.Entries.Keys ?? [];

    /// <summary>Inputs and weights that nobody took.</summary>
    public IEnumerable<string> Untouched => TensorNames.Where(n => !_read.Contains(n) && (n.StartsWith("in/", StringComparison.Ordinal) || n.StartsWith("state/", StringComparison.Ordinal)));

    public IReadOnlyDictionary<string, double> Scalars => _scalars;

    public bool Has(string tensor) => _file?.Entries.ContainsKey(tensor) == true;

    public long[] Shape(string tensor) => Entry(tensor).Shape;

    public string Dtype(string tensor) => Entry(tensor).Dtype;

    public float[] Floats(string tensor) => Typed<float>(tensor, "F32");

    public double[] Doubles(string tensor) => Typed<double>(tensor, "F64");

    public long[] Int64s(string tensor) => Typed<long>(tensor, "I64");

    public byte[] Bytes(string tensor) => Typed<byte>(tensor, "U8");

    public double Scalar(string name) => _scalars.TryGetValue(name, out var value) ? value : throw new InvalidDataException($"case {Id} has no scalar {name}");

    /// <summary>The tensor's values as float64, whatever its stored type.</summary>
    public double[] AsDoubles(string tensor) => Dtype(tensor) switch
    {
        "F32" => Array.ConvertAll(Floats(tensor), v => (double)v),
        "F64" => Doubles(tensor),
        "I64" => Array.ConvertAll(Int64s(tensor), v => (double)v),
        "U8" => Array.ConvertAll(Bytes(tensor), v => (double)v),
        string other => throw new InvalidDataException($"case {Id}: {tensor} has dtype {other}"),
    };

    private SafetensorsEntry Entry(string tensor) =>
        _file is not null && _file.Entries.TryGetValue(tensor, out var entry) ? entry : throw new InvalidDataException($"case {Id} has no tensor {tensor}");

    private T[] Typed<T>(string tensor, string dtype)
        where T : unmanaged
    {
        var stored = Entry(tensor).Dtype;
        _read.Add(tensor);
        return stored == dtype
            ? MemoryMarshal.Cast<byte, T>(_file!.Bytes(tensor)).ToArray()
            : throw new InvalidDataException($"case {Id}: {tensor} is {stored}, asked for as {dtype}");
    }
}
