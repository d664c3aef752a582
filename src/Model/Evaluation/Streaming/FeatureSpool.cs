using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The vectors of a feature file as padded float32 rows in a temporary file, for many passes over more rows than memory holds; labels stay in memory. Deleted when disposed.
/// </summary>
internal sealed class FeatureSpool : SvmRows, IDisposable
{
    private const int Slices = 8;
    private readonly SafeFileHandle _file;
    private readonly long _blockBytes;
    private float[]? _whole;

    private FeatureSpool(SafeFileHandle file, int rows, int dim, int[] labels, IReadOnlyList<string> classes, ulong[] sources, ulong[] keys, long blockBytes)
        : base(rows, dim)
    {
        (_file, Labels, Classes, Sources, Keys, _blockBytes) = (file, labels, classes, sources, keys, blockBytes);
    }

    /// <summary>Class of each row.</summary>
    public int[] Labels { get; }

    /// <summary>Names by label, ordinal.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>What each row's clip was cut from; see <see cref="ClipSource.Key"/>.</summary>
    public IReadOnlyList<ulong> Sources { get; }

    /// <summary>What tells each row from others; see <see cref="ClipSource.Row"/>.</summary>
    public IReadOnlyList<ulong> Keys { get; }

    /// <summary>Copies a feature file's vectors.</summary>
    /// <param name="features">Read once, from its beginning.</param>
    /// <param name="classes">Class names, where another file has set them; null takes this file's.</param>
    /// <param name="unitLength">Each vector is brought to unit length.</param>
    /// <param name="folder">For the temporary file.</param>
    /// <param name="stop">Stops between row groups.</param>
    /// <param name="blockBytes">Bytes of rows in memory at once; one block at least. Default 32 MiB.</param>
    /// <exception cref="UsageException">A row without a label or with one that is not among the classes.</exception>
    public static async Task<FeatureSpool> CreateAsync(FeatureFile features, IReadOnlyList<string>? classes, bool unitLength, string folder, CancellationToken stop, long blockBytes = 32L << 20)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"features-{Guid.NewGuid():n}.f32");
        SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        try
        {
            List<string> names = [.. classes ?? []];
            Dictionary<string, int> index = names.Index().ToDictionary(n => n.Item, n => n.Index, StringComparer.Ordinal);
            int[] labels = new int[checked((int)features.Rows)];
            ulong[] sources = new ulong[labels.Length], keys = new ulong[labels.Length];
            int row = 0;
            await foreach (FeatureBlock block in features.ReadAsync(stop).ConfigureAwait(false))
            {
                for (int i = 0; i < block.Rows; i++)
                {
                    sources[row + i] = ClipSource.Key(block.Ids[i]);
                    keys[row + i] = ClipSource.Row(block.Ids[i], block.Vectors.Span.Slice(i * features.Dim, features.Dim));
                    labels[row + i] = Label(features.Path, block.Ids[i], block.Labels[i], names, index, classes is null);
                }

                float[] vectors = block.Vectors.ToArray();
                if (unitLength)
                {
                    VectorMath.NormaliseRows(vectors, features.Dim);
                }

                int stride = Padded(features.Dim);
                float[] padded = new float[block.Rows * stride];
                for (int i = 0; i < block.Rows; i++)
                {
                    vectors.AsSpan(i * features.Dim, features.Dim).CopyTo(padded.AsSpan(i * stride));
                }

                RandomAccess.Write(file, MemoryMarshal.AsBytes(padded.AsSpan()), (long)row * stride * sizeof(float));
                row += block.Rows;
            }

            // Labels in the order of their names, as everywhere else.
            string[] sorted = [.. names.Order(StringComparer.Ordinal)];
            int[] place = [.. names.Select(n => Array.BinarySearch(sorted, n, StringComparer.Ordinal))];
            FeatureSpool spool = new(file, row, features.Dim, [.. labels.Select(l => place[l])], sorted, sources, keys, blockBytes);
            spool.Hold();
            return spool;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override float[]? Values => _whole;

    public override void ForEachBlock(Action<int, int, float[]> take, CancellationToken stop)
    {
        if (_whole is not null)
        {
            stop.ThrowIfCancellationRequested();
            take(0, Count, _whole);
            return;
        }

        int rows = (int)Math.Clamp(_blockBytes / (Stride * sizeof(float)) / Tile, 1, (Count + Tile - 1) / Tile) * Tile;
        float[] block = new float[rows * Stride];
        for (int first = 0; first < Count; first += rows)
        {
            stop.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(rows, Count - first);
            Parallel.For(0, Slices, slice =>
            {
                int from = count * slice / Slices, to = count * (slice + 1) / Slices;
                Read(start + from, block.AsSpan(from * Stride, (to - from) * Stride));
            });
            take(first, count, block);
        }
    }

    public void Dispose() => _file.Dispose();

    // What fits into a block stays in it.
    private void Hold()
    {
        if ((long)Count * Stride * sizeof(float) <= _blockBytes)
        {
            _whole = new float[Count * Stride];
            Read(0, _whole);
        }
    }

    private void Read(int first, Span<float> rows)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(rows);
        long offset = (long)first * Stride * sizeof(float);
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(_file, bytes, offset);
            if (read == 0)
            {
                throw new FailureException($"the temporary copy of the features ends at byte {offset}; is the disk full?");
            }

            bytes = bytes[read..];
            offset += read;
        }
    }

    private static int Label(string path, string id, string? label, List<string> names, Dictionary<string, int> index, bool open)
    {
        if (label is null)
        {
            throw new UsageException($"{path}: {id} has no label; a probe needs labelled features");
        }

        if (!index.TryGetValue(label, out int known))
        {
            if (!open)
            {
                throw new UsageException($"{path}: {id} is of class {label}, which the training features have not");
            }

            index[label] = known = names.Count;
            names.Add(label);
        }

        return known;
    }
}
