using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Float32 rows for many passes, a block at a time. Rows in memory are one block; others lie in a file.
/// </summary>
internal sealed class RowBlocks : IDisposable
{
    /// <summary>Blocks begin at multiples of it: the bits of that many rows are one word.</summary>
    public const int Tile = 64;
    private const int Slices = 8;
    private readonly float[]? _whole;
    private readonly SafeFileHandle? _file;
    private readonly long _blockBytes;

    private RowBlocks(int count, int dim, float[]? whole, SafeFileHandle? file, long blockBytes) =>
        (Count, Dim, _whole, _file, _blockBytes) = (count, dim, whole, file, blockBytes);

    public int Count { get; }

    public int Dim { get; }

    /// <summary>All rows [count, dim] where they are in memory; null where they are not.</summary>
    public float[]? Values => _whole;

    /// <summary>A copy of rows [count, dim].</summary>
    /// <exception cref="UsageException">Values that are not whole rows, or not finite.</exception>
    public static RowBlocks Copy(ReadOnlySpan<float> vectors, int dim)
    {
        if (dim < 1 || vectors.Length % dim != 0)
        {
            throw new UsageException($"svm: {vectors.Length} feature values are not whole rows of {dim}.");
        }

        if (vectors.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue) is >= 0 and int broken)
        {
            throw new UsageException($"svm: feature row {broken / dim} holds a value that is not finite; check the weights the features were taken with.");
        }

        return new RowBlocks(vectors.Length / dim, dim, vectors.ToArray(), null, 0);
    }

    /// <summary>Rows that <see cref="Append"/> has written to a file, which this owns; they stay in memory where they fit into one block.</summary>
    public static RowBlocks OfFile(SafeFileHandle file, int count, int dim, long blockBytes)
    {
        var rows = new RowBlocks(count, dim, null, file, blockBytes);
        if ((long)count * rows.Dim * sizeof(float) > blockBytes)
        {
            return rows;
        }

        var whole = new float[count * rows.Dim];
        rows.Read(0, whole);
        return new RowBlocks(count, dim, whole, file, blockBytes);
    }

    /// <summary>Writes rows [n, dim] at a row's place in a file.</summary>
    public static void Append(SafeFileHandle file, long row, ReadOnlySpan<float> vectors, int dim) =>
        RandomAccess.Write(file, MemoryMarshal.AsBytes(vectors), row * dim * sizeof(float));

    /// <summary>Gives every row once, in order: the first row's number, the number of rows, and their values [rows, dim], valid during the call.</summary>
    public void ForEachBlock(Action<int, int, float[]> take, CancellationToken stop)
    {
        var tiles = (int)Math.Max(1, Math.Min(_blockBytes / (Dim * sizeof(float)) / Tile, (Count + Tile - 1) / Tile));
        var rows = _whole is null ? tiles * Tile : Math.Max(1, Count);
        var block = _whole ?? new float[rows * Dim];
        for (var first = 0; first < Count; first += rows)
        {
            stop.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(rows, Count - first);
            if (_whole is null)
            {
                Parallel.For(0, Slices, slice =>
                {
                    int from = count * slice / Slices, to = count * (slice + 1) / Slices;
                    Read(start + from, block.AsSpan(from * Dim, (to - from) * Dim));
                });
            }

            take(first, count, block);
        }
    }

    public void Dispose() => _file?.Dispose();

    private void Read(int first, Span<float> rows)
    {
        var bytes = MemoryMarshal.AsBytes(rows);
        var offset = (long)first * Dim * sizeof(float);
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(_file!, bytes, offset);
            if (read == 0)
            {
                throw new FailureException($"the temporary copy of the features ends at byte {offset}; is the disk full?");
            }

            bytes = bytes[read..];
            offset += read;
        }
    }
}
