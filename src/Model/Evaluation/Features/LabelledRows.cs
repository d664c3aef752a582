using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>One side of a probe: the rows of its clips, in memory or in a temporary file that is deleted when disposed, and the clips' classes.</summary>
internal sealed record LabelledRows(RowBlocks Rows) : IDisposable
{
    /// <summary>Class of each clip; −1 where it may have several.</summary>
    public required int[] Labels { get; init; }

    /// <summary>All classes of each clip where it may have several, else null.</summary>
    public IReadOnlyList<int[]>? LabelSets { get; init; }

    /// <summary>Names by label.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>What each clip was cut from; see <see cref="ClipSource.Key"/>.</summary>
    public required ulong[] Sources { get; init; }

    /// <summary>What tells a file's rows from others; see <see cref="ClipSource.Row"/>.</summary>
    public ulong[] Keys { get; init; } = [];

    /// <summary>Rows per clip; those of one clip lie in one block.</summary>
    public int Windows { get; init; } = 1;

    public SvmTargets Targets => LabelSets is null
        ? SvmTargets.Single(Windows == 1 ? Labels : [.. Labels.SelectMany(l => Enumerable.Repeat(l, Windows))], Classes.Count)
        : SvmTargets.Multi(LabelSets, Windows, Classes.Count);

    public static LabelledRows Of(FeatureSet set, bool unitLength) => new(RowBlocks.Copy(unitLength ? set.UnitVectors() : set.Vectors, set.Dim))
    {
        Labels = set.Labels,
        LabelSets = set.LabelSets,
        Classes = set.ClassNames,
        Sources = [.. set.Ids.Select(ClipSource.Key)],
        Windows = set.Windows,
    };

    /// <summary>Copies a feature file's vectors to a temporary file; labels stay in memory.</summary>
    /// <param name="features">Read once, from its beginning.</param>
    /// <param name="classes">Class names, where another file has set them; null takes this file's.</param>
    /// <param name="unitLength">Each vector is brought to unit length.</param>
    /// <param name="folder">For the temporary file.</param>
    /// <param name="stop">Stops between row groups.</param>
    /// <param name="blockBytes">Bytes of rows in memory at once; one tile at least. Default 32 MiB.</param>
    /// <exception cref="UsageException">A row without a label or with one that is not among the classes.</exception>
    public static async Task<LabelledRows> OfFileAsync(
        FeatureFile features, IReadOnlyList<string>? classes, bool unitLength, string folder, CancellationToken stop, long blockBytes = 32L << 20)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"features-{Guid.NewGuid():n}.f32");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        try
        {
            var index = new ClassIndex(classes ?? []);
            var labels = new int[checked((int)features.Rows)];
            ulong[] sources = new ulong[labels.Length], keys = new ulong[labels.Length];
            var row = 0;
            await foreach (var block in features.ReadAsync(stop))
            {
                var vectors = block.Vectors.ToArray();
                for (var i = 0; i < block.Rows; i++)
                {
                    string id = block.Ids[i], label = block.Labels[i] ?? throw new UsageException(
                        $"{features.Path}: {id} has no label; a probe needs labelled features");
                    sources[row + i] = ClipSource.Key(id);
                    keys[row + i] = ClipSource.Row(id, vectors.AsSpan(i * features.Dim, features.Dim));
                    labels[row + i] = index.Find(label, open: classes is null)
                        ?? throw new UsageException($"{features.Path}: {id} is of class {label}, which the training features have not");
                }

                if (unitLength)
                {
                    VectorMath.NormaliseRows(vectors, features.Dim);
                }

                RowBlocks.Append(file, row, vectors, features.Dim);
                row += block.Rows;
            }

            // Labels in the order of their names, as everywhere else.
            string[] sorted = [.. index.Names.Order(StringComparer.Ordinal)];
            int[] place = [.. index.Names.Select(n => Array.BinarySearch(sorted, n, StringComparer.Ordinal))];
            return new LabelledRows(RowBlocks.OfFile(file, row, features.Dim, blockBytes))
            {
                Labels = [.. labels.Select(l => place[l])], Classes = sorted, Sources = sources, Keys = keys,
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => Rows.Dispose();
}

/// <summary>Indices of class names, in the order in which they are met.</summary>
internal sealed class ClassIndex(IEnumerable<string> names)
{
    private readonly Dictionary<string, int> _index = names.Index().ToDictionary(n => n.Item, n => n.Index, StringComparer.Ordinal);

    public List<string> Names { get; } = [.. names];

    /// <summary>The index of a name; a new one is added where <paramref name="open"/> says so, else it has none.</summary>
    public int? Find(string name, bool open)
    {
        if (_index.TryGetValue(name, out var known))
        {
            return known;
        }

        if (!open)
        {
            return null;
        }

        Names.Add(name);
        return _index[name] = Names.Count - 1;
    }
}

/// <summary>Which clips are segments of one recording (see <see cref="SegmentId"/>): they resemble each other more than clips of other recordings.</summary>
internal static class ClipSource
{
    private const int ValuesHashed = 16;

    /// <summary>The id without a segment's number.</summary>
    public static string Of(string id) => SegmentId.Split(id).Item;

    /// <summary>The same for the segments of one recording, and for no others: 64 bits of a hash, which take less memory than a million names.</summary>
    public static ulong Key(string id) => Hash(Encoding.UTF8.GetBytes(Of(id)));

    /// <summary>The same for a row that two feature files share: of this id and these features.</summary>
    public static ulong Row(string id, ReadOnlySpan<float> features) =>
        Hash([.. Encoding.UTF8.GetBytes(id), 0, .. MemoryMarshal.AsBytes(features[..Math.Min(ValuesHashed, features.Length)])]);

    private static ulong Hash(byte[] bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes));
}
