using System.Text.Json;

namespace Xkd.Model.Weights;

/// <summary>One tensor of a safetensors file. <see cref="Begin"/> and <see cref="End"/> are absolute byte offsets in the file.</summary>
public sealed record SafetensorsEntry(string Dtype, long[] Shape, long Begin, long End)
{
    /// <summary>Size of the tensor's data in bytes.</summary>
    public long Bytes => End - Begin;

    /// <summary>Bytes per element of <paramref name="dtype"/>.</summary>
    public static int ElementSize(string dtype) => Dtypes.ElementSize(dtype);

    internal static SafetensorsEntry Parse(JsonProperty property, long dataStart, long fileLength)
    {
        var name = property.Name;
        var dtype = property.Value.GetProperty("dtype").GetString() ?? throw new FormatException($"{name} has no dtype");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        var offsets = property.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
            throw new FormatException($"{name} has {offsets.GetArrayLength()} data_offsets, not 2");

        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        if (shape.Any(size => size < 0))
            throw new FormatException($"{name} has a negative dimension");

        var bytes = shape.Aggregate((long)ElementSize(dtype), (product, d) => checked(product * d));
        if (begin < 0 || end < begin || end > fileLength - dataStart || end - begin != bytes)
            throw new FormatException($"{name}: offsets [{begin}, {end}) do not hold {dtype} [{string.Join(", ", shape)}] within {fileLength - dataStart} data bytes");

        return new SafetensorsEntry(dtype, shape, dataStart + begin, dataStart + end);
    }
}
