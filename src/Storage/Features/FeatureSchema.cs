using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>The columns of a feature file: what pandas, DuckDB and pyarrow read as a text, a text and a list of float32.</summary>
internal static class FeatureSchema
{
    public const string VectorName = "vector";

    /// <summary>Key of the checks in the footer's metadata: one of each row group, in their order. Other readers of Parquet pass over it; files of other writers have none.</summary>
    public const string CheckKey = "xkd.crc32c";

    public static readonly DataField<string> Id = new("id", false);
    public static readonly DataField<string> Label = new("label", true);
    public static readonly DataField<float> Element = new(ListField.ElementName, false);
    public static readonly ParquetSchema Schema = new(Id, Label, new ListField(VectorName, Element));

    /// <summary>CRC-32C of what a row group holds, whatever its encoding: of each id and label in UTF-8 after its length, a label that is absent having length −1, and of the vectors.</summary>
    public static string Check(IReadOnlyList<string?> ids, IReadOnlyList<string?> labels, ReadOnlySpan<float> vectors)
    {
        uint crc = 0;
        foreach (string? text in ids.Concat(labels))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text ?? string.Empty);
            int length = text is null ? -1 : bytes.Length;
            crc = Crc32C.Append(Crc32C.Append(crc, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in length))), bytes);
        }

        return Crc32C.Append(crc, MemoryMarshal.AsBytes(vectors)).ToString("x8", CultureInfo.InvariantCulture);
    }

    /// <summary>Vectors hardly compress, and looking for repeats costs more than writing them.</summary>
    public static ParquetOptions Options => new() { CompressionMethod = CompressionMethod.None };
}
