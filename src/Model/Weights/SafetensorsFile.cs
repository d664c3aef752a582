using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>
/// One safetensors file: 8-byte little-endian header length, JSON header, raw little-endian row-major data. The header is read and validated
/// when it is opened, a tensor's bytes when they are asked for. Thread-safe.
/// </summary>
/// <remarks>Format: https://github.com/huggingface/safetensors#format.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The format's own limit on the header, in bytes; a larger length field is damage or malice.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, SafetensorsEntry> _entries;

    private SafetensorsFile(string path, SafeFileHandle handle, Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        Path = path;
        _handle = handle;
        _entries = entries;
        Metadata = metadata;
    }

    public string Path { get; }

    /// <summary>Every tensor by name, in the header's order.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>The header's <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens and validates <paramref name="path"/>.</summary>
    /// <exception cref="FailureException">The file is absent, truncated or inconsistent.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException(e is FileNotFoundException or DirectoryNotFoundException ? $"{path}: no such file" : $"{path}: {e.Message}", e);
        }

        try
        {
            return Read(path, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The raw little-endian bytes of <paramref name="name"/>, read anew at each call.</summary>
    /// <exception cref="FailureException">There is no tensor of that name, or the file changed beneath.</exception>
    public ReadOnlySpan<byte> Bytes(string name) => Read(name).Data.Span;

    /// <summary>The tensor <paramref name="name"/>, in memory of its own.</summary>
    /// <exception cref="FailureException">There is no tensor of that name, it is 2 GiB or more, or the file changed beneath.</exception>
    public WeightTensor Read(string name)
    {
        var entry = Find(name);
        if (entry.Bytes > Array.MaxLength)
        {
            throw new FailureException($"{Path}: {name} is {entry.Bytes} bytes; a tensor is limited to 2 GiB");
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)entry.Bytes);
        Read(name, bytes);
        return new WeightTensor(name, entry.Dtype, entry.Shape, bytes);
    }

    /// <summary>Reads <paramref name="name"/> into memory of exactly its size.</summary>
    /// <exception cref="FailureException">There is no tensor of that name, or the file changed beneath.</exception>
    public void Read(string name, Span<byte> destination)
    {
        var entry = Find(name);
        if (destination.Length != entry.Bytes)
        {
            throw new ArgumentException($"{name} is {entry.Bytes} bytes, the destination {destination.Length}");
        }

        ReadExactly(_handle, Path, destination, entry.Begin);
    }

    /// <summary>Every tensor, in the header's order.</summary>
    public IReadOnlyList<WeightTensor> ReadAll() => [.. _entries.Keys.Select(Read)];

    public void Dispose() => _handle.Dispose();

    private SafetensorsEntry Find(string name) => _entries.TryGetValue(name, out var entry)
        ? entry
        : throw new FailureException($"{Path}: no tensor named {name}");

    private static SafetensorsFile Read(string path, SafeFileHandle handle)
    {
        var length = RandomAccess.GetLength(handle);
        if (length < 8)
        {
            throw new FailureException($"{path}: {length} bytes are too few for a safetensors header; the file is truncated or of another format");
        }

        Span<byte> field = stackalloc byte[8];
        ReadExactly(handle, path, field, 0);
        var headerBytes = BinaryPrimitives.ReadInt64LittleEndian(field);
        if (headerBytes is < 2 or > MaxHeaderBytes || headerBytes > length - 8)
        {
            throw new FailureException($"{path}: the header claims {headerBytes} bytes of a {length}-byte file; it is truncated or not safetensors");
        }

        var header = new byte[headerBytes];
        ReadExactly(handle, path, header, 8);
        Dictionary<string, SafetensorsEntry> entries = new(StringComparer.Ordinal);
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(header);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
                {
                    foreach (var item in property.Value.EnumerateObject())
                    {
                        metadata[item.Name] = item.Value.GetString() ?? "";
                    }
                }
                else
                {
                    entries.Add(property.Name, SafetensorsEntry.Parse(property, 8 + headerBytes, length));
                }
            }

            RefuseOverlapsAndGaps(entries, 8 + headerBytes, length);
        }
        catch (Exception e) when (
            e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or OverflowException)
        {
            throw new FailureException($"{path}: unreadable safetensors header: {e.Message}", e);
        }

        return new SafetensorsFile(path, handle, entries, metadata);
    }

    // The format promises one dense block: two tensors sharing bytes, or bytes of no tensor, are damage.
    private static void RefuseOverlapsAndGaps(Dictionary<string, SafetensorsEntry> entries, long dataStart, long length)
    {
        var end = dataStart;
        foreach (var (name, entry) in entries.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Value.End))
        {
            if (entry.Begin != end)
            {
                var fault = entry.Begin < end ? "overlap" : "leave a gap";
                throw new FormatException($"{name} starts at byte {entry.Begin}, the tensor before it ends at {end}: tensors {fault}");
            }

            end = entry.End;
        }

        if (end != length)
        {
            throw new FormatException($"the tensors end at byte {end} of a {length}-byte file");
        }
    }

    private static void ReadExactly(SafeFileHandle handle, string path, Span<byte> destination, long offset)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
            {
                throw new FailureException($"{path}: ends at byte {offset}, {destination.Length} bytes before what its header promises");
            }

            destination = destination[read..];
            offset += read;
        }
    }
}

/// <summary>One tensor of a safetensors file. <see cref="Begin"/> and <see cref="End"/> are absolute byte offsets in the file.</summary>
public sealed record SafetensorsEntry(string Dtype, long[] Shape, long Begin, long End)
{
    /// <summary>Size of the tensor's data in bytes.</summary>
    public long Bytes => End - Begin;

    internal static SafetensorsEntry Parse(JsonProperty property, long dataStart, long fileLength)
    {
        var name = property.Name;
        var dtype = property.Value.GetProperty("dtype").GetString() ?? throw new FormatException($"{name} has no dtype");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        var offsets = property.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw new FormatException($"{name} has {offsets.GetArrayLength()} data_offsets, not 2");
        }

        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        if (shape.Any(size => size < 0))
        {
            throw new FormatException($"{name} has a negative dimension");
        }

        var bytes = shape.Aggregate((long)Dtypes.ElementSize(dtype), (product, d) => checked(product * d));
        if (begin < 0 || end < begin || end > fileLength - dataStart || end - begin != bytes)
        {
            throw new FormatException(
                $"{name}: offsets [{begin}, {end}) do not hold {dtype} [{string.Join(", ", shape)}] within {fileLength - dataStart} data bytes");
        }

        return new SafetensorsEntry(dtype, shape, dataStart + begin, dataStart + end);
    }
}
