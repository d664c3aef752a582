using System.Text.Json;

namespace Xkd.Model.Weights;

/// <summary>One tensor of a safetensors file. <see cref="Begin"/> and <see cref="End"/> are absolute byte offsets in the file.</summary>
public sealed record SafetensorsEntry(string Dtype, long[] Shape, long Begin, long End)
{
    /// <summary>Bytes per element of <see cref="Dtype"/>.</summary>
    public static int ElementSize(string dtype) => dtype switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "U8" or "I8" or "BOOL" => 1,
        _ => throw new FormatException($"unknown dtype {dtype}"),
    };

    internal static SafetensorsEntry Parse(JsonProperty property, long dataStart, long fileLength)
    {
        string dtype = property.Value.GetProperty("dtype").GetString() ?? throw new FormatException($"{property.Name} has no dtype");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        JsonElement offsets = property.Value.GetProperty("data_offsets");
        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        long bytes = shape.Aggregate((long)ElementSize(dtype), (product, d) => d < 0 ? throw new FormatException($"{property.Name} has a negative dimension") : checked(product * d));
        if (begin < 0 || end < begin || end > fileLength - dataStart || end - begin != bytes)
        {
            throw new FormatException($"{property.Name}: offsets [{begin}, {end}) do not hold {dtype} [{string.Join(", ", shape)}] within {fileLength - dataStart} data bytes");
        }

        return new SafetensorsEntry(dtype, shape, dataStart + begin, dataStart + end);
    }
}
