namespace Xkd.Storage;

/// <summary>A file of features on its way: rows come one after the other, and only <see cref="CommitAsync"/> gives it its name.</summary>
public interface IFeatureWriter : IAsyncDisposable
{
    /// <summary>The next row.</summary>
    /// <param name="id">The clip.</param>
    /// <param name="label">Its label; null for none.</param>
    /// <param name="vector">Of the length that the file was opened for.</param>
    /// <param name="time">Seconds from the source's beginning, in files of one row a window.</param>
    /// <exception cref="UsageException">A vector of another length.</exception>
    /// <exception cref="FailureException">A number that is not finite.</exception>
    ValueTask AppendAsync(string id, string? label, ReadOnlyMemory<float> vector, (double Start, double End) time = default);

    /// <summary>Completes the file, syncs it and gives it its name.</summary>
    Task CommitAsync();
}

/// <summary>What a feature file holds.</summary>
/// <param name="Shape">Of a row: [features], or [tokens, features].</param>
/// <param name="Timed">Rows are windows with their times.</param>
/// <param name="Metadata">Kept in a Parquet file's footer.</param>
public sealed record FeatureLayout(IReadOnlyList<int> Shape, bool Timed, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Numbers per row.</summary>
    public int Dim => Shape.Aggregate(1, (all, length) => checked(all * length));

    /// <summary>Opens a file in the format that its extension names: <c>.parquet</c>, <c>.npy</c> with <c>.ids.csv</c> beside it, or <c>.csv</c>.</summary>
    /// <exception cref="UsageException">Another extension.</exception>
    /// <exception cref="FailureException">The folder cannot be written.</exception>
    public async Task<IFeatureWriter> OpenAsync(string path)
    {
        Require(path);
        return Path.GetExtension(path) == ".parquet" ? await FeatureFileWriter.CreateAsync(path, Dim, Metadata, Timed) : FeatureTextWriter.Create(path, this);
    }

    /// <exception cref="UsageException">The extension is none of those.</exception>
    public static void Require(string path)
    {
        if (Path.GetExtension(path) is not (".parquet" or ".npy" or ".csv"))
        {
            throw new UsageException($"{path}: features are written as .parquet, .npy or .csv; name one of them");
        }
    }

    /// <summary>Refuses a row that does not belong in a file.</summary>
    internal void Check(string path, string id, ReadOnlySpan<float> vector)
    {
        if (vector.Length != Dim)
        {
            throw new UsageException($"{path}: the vector of {id} has {vector.Length} numbers, not {Dim}");
        }

        if (vector.IndexOfNotFinite() is >= 0 and int at)
        {
            throw new FailureException($"{path}: number {at + 1} of the vector of {id} is {vector[at]}, which is not finite; take other weights");
        }
    }
}
