using System.Buffers.Binary;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>Writes safetensors files that every reader of the format opens.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes <paramref name="path"/> atomically: it is whole or as it was before.</summary>
    /// <exception cref="FailureException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        try
        {
            AtomicFile.Write(path, stream => Write(stream, tensors, metadata));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes the file's bytes, front to back.</summary>
    /// <exception cref="ArgumentException">Two tensors have one name, or a tensor's bytes disagree with its shape.</exception>
    public static void Write(Stream stream, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (tensors.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"two tensors are named {twice.Key}");
        }

        var header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in tensors)
        {
            stream.Write(tensor.Data.Span);
        }
    }

    private static byte[] Header(IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        OrderedDictionary<string, object> entries = [];
        if (metadata is { Count: > 0 })
        {
            entries.Add("__metadata__", metadata);
        }

        var end = 0L;
        foreach (var tensor in tensors)
        {
            entries.Add(tensor.Name, new { dtype = tensor.Checked().Dtype, shape = tensor.Shape, data_offsets = new[] { end, end += tensor.Data.Length } });
        }

        // Spaces up to the next 8 bytes keep the data aligned for readers that map the file.
        var json = JsonSerializer.SerializeToUtf8Bytes(entries);
        return [.. json, .. Enumerable.Repeat((byte)' ', (8 - (json.Length % 8)) % 8)];
    }
}
