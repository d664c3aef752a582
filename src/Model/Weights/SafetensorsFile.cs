using System.Buffers.Binary;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>
/// One safetensors file, read whole: 8-byte little-endian header length, JSON header, raw little-endian row-major data.
/// </summary>
public sealed class SafetensorsFile
{
    /// <summary>The format's own limit on the header, in bytes; a larger length field is damage or malice.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    private readonly byte[] _data;
    private readonly Dictionary<string, SafetensorsEntry> _entries;

    private SafetensorsFile(string path, byte[] data, Dictionary<string, SafetensorsEntry> entries)
    {
        Path = path;
        _data = data;
        _entries = entries;
    }

    public string Path { get; }

    /// <summary>Every tensor by name, in no particular order.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>Reads and validates <paramref name="path"/>.</summary>
    /// <exception cref="FailureException">The file is absent, truncated or inconsistent.</exception>
    public static SafetensorsFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new FailureException($"{path}: no such file");
        }

        byte[] data = File.ReadAllBytes(path);
        if (data.Length < 8)
        {
            throw new FailureException($"{path}: {data.Length} bytes are too few for a safetensors header; the file is truncated or of another format");
        }

        long headerBytes = BinaryPrimitives.ReadInt64LittleEndian(data);
        if (headerBytes is < 2 or > MaxHeaderBytes || headerBytes > data.Length - 8)
        {
            throw new FailureException($"{path}: the header claims {headerBytes} bytes of a {data.Length}-byte file; it is truncated or not safetensors");
        }

        Dictionary<string, SafetensorsEntry> entries = new(StringComparer.Ordinal);
        try
        {
            using JsonDocument header = JsonDocument.Parse(data.AsMemory(8, (int)headerBytes));
            foreach (JsonProperty property in header.RootElement.EnumerateObject())
            {
                if (property.Name != "__metadata__")
                {
                    entries.Add(property.Name, SafetensorsEntry.Parse(property, 8 + headerBytes, data.Length));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or OverflowException)
        {
            throw new FailureException($"{path}: unreadable safetensors header: {e.Message}", e);
        }

        return new SafetensorsFile(path, data, entries);
    }

    /// <summary>The raw little-endian bytes of <paramref name="name"/>.</summary>
    /// <exception cref="FailureException">There is no tensor of that name.</exception>
    public ReadOnlySpan<byte> Bytes(string name) => _entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? _data.AsSpan((int)entry.Begin, (int)(entry.End - entry.Begin))
        : throw new FailureException($"{Path}: no tensor named {name}");
}
