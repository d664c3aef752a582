using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// The columns of a feature file: what pandas, DuckDB and pyarrow read as a text, a text and a list of float32; of files of one row a window with two float64
/// between.
/// </summary>
internal static class FeatureSchema
{
    public const string VectorName = "vector";

    /// <summary>
    /// Key of the checks in the footer's metadata: of each row group, in their order, where its bytes end and the XXH3 of those since the end of the one before;
    /// then the footer's (see <see cref="FeatureFooter"/>). Other readers of Parquet pass over it; files of other writers have none.
    /// </summary>
    public const string CheckKey = "xkd.xxh3";

    public static readonly DataField<string> Id = new("id", false);
    public static readonly DataField<string> Label = new("label", true);
    public static readonly DataField<float> Element = new(ListField.ElementName, false);
    public static readonly DataField<double> Start = new("start");
    public static readonly DataField<double> End = new("end");
    public static readonly ParquetSchema Schema = new(Id, Label, new ListField(VectorName, Element));

    /// <summary>With the times of windows.</summary>
    public static readonly ParquetSchema Timed = new(Id, Label, Start, End, new ListField(VectorName, Element));

    /// <summary>Vectors hardly compress, and looking for repeats costs more than writing them.</summary>
    public static ParquetOptions Options => new() { CompressionMethod = CompressionMethod.None };
}
