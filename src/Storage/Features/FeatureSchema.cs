using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>The columns of a feature file: what pandas, DuckDB and pyarrow read as a text, a text and a list of float32.</summary>
internal static class FeatureSchema
{
    public const string VectorName = "vector";

    public static readonly DataField<string> Id = new("id", false);
    public static readonly DataField<string> Label = new("label", true);
    public static readonly DataField<float> Element = new(ListField.ElementName, false);
    public static readonly ParquetSchema Schema = new(Id, Label, new ListField(VectorName, Element));

    /// <summary>Vectors hardly compress, and looking for repeats costs more than writing them.</summary>
    public static ParquetOptions Options => new() { CompressionMethod = CompressionMethod.None };
}
