using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// Writes one shard under its temporary name. Only <see cref="SealAsync"/> gives it its final one; disposed before that, it leaves a
/// temporary file nobody reads (Parquet.Net writes a valid footer even when disposed after an exception, so a footer proves nothing).
/// </summary>
internal sealed class ShardWriter : IDisposable
{
    // The columns: required, PLAIN, uncompressed and without dictionary, so that each value lies in the file as it is, after its 4-byte length.
    private static readonly DataField<string> Id = new("id", false);
    private static readonly DataField<byte[]>[] Payload = [new("frame_hash", false), new("frame_offsets", false), new("mel", false), new("pcm", false), new("frames", false)];
    // In the footer, its own name: an item that is replaced by what it was before makes the same rows, and yet another file.
    private const string NameKey = "xkd.shard";
    private static readonly ParquetSchema Schema = new([Id, .. Payload]);

    private readonly ICacheStore _store;
    private readonly CacheWriterOptions _options;
    private readonly List<StagedClip> _group = [];
    private readonly List<ClipEntry> _rows = [];
    private readonly string _path;
    private readonly StagedFile _staged;
    private ChecksumStream? _stream;
    private ParquetWriter? _parquet;
    private long _groupBytes;

    private ShardWriter(ICacheStore store, CacheWriterOptions options, int number)
    {
        (_store, _options) = (store, options);
        _path = CacheLayout.File(CacheLayout.Shards, options.Part, number, store.WriterMark);
        _staged = store.Stage(_path, options.Part);
    }

    /// <summary>Rows taken in.</summary>
    public int Count => _rows.Count + _group.Count;

    /// <summary>Payload bytes taken in.</summary>
    public long Bytes { get; private set; }

    /// <summary>The rows of a sealed shard, as the index has them.</summary>
    public IReadOnlyList<ClipEntry> Rows => _rows;

    public static async Task<ShardWriter> CreateAsync(ICacheStore store, CacheWriterOptions options, int number)
    {
        ShardWriter shard = new(store, options, number);
        shard._stream = new ChecksumStream(shard._staged.Stream);
        shard._parquet = await ParquetWriter.CreateAsync(Schema, shard._stream, new ParquetOptions { CompressionMethod = CompressionMethod.None });
        shard._parquet.CustomMetadata = new Dictionary<string, string>(StringComparer.Ordinal) { [NameKey] = shard._path };
        return shard;
    }

    /// <summary>Takes a row over; its buffers go back to the pool once its row group is written.</summary>
    public async Task AddAsync(StagedClip clip)
    {
        _group.Add(clip);
        _groupBytes += clip.Bytes;
        Bytes += clip.Bytes;
        if (_group.Count >= _options.RowGroupRows || _groupBytes >= _options.RowGroupBytes)
        {
            await FlushGroupAsync();
        }
    }

    /// <summary>Closes, reads back, syncs and renames: after this the shard is complete in the store, though no manifest lists it yet.</summary>
    /// <exception cref="CorruptCacheException">What is on disk is not what was written.</exception>
    public async Task<ShardEntry> SealAsync(Fingerprint fingerprint)
    {
        await FlushGroupAsync();
        await _parquet!.DisposeAsync();
        _parquet = null;
        var written = _stream!.TakeHash();
        await _stream.DisposeAsync();
        _stream = null;

        var read = FileDigest.Of(_staged.Path, CancellationToken.None);
        if (read.Hash != written)
        {
            throw new CorruptCacheException(_path, null, "file", $"xxh3 {written:x16}", $"{read.Hash:x16}");
        }

        using (var file = File.OpenHandle(_staged.Path))
        {
            foreach (var damage in ShardCheck.Damaged(file, _rows, fingerprint, CancellationToken.None))
            {
                throw new CorruptCacheException(_path, damage.Row, damage.Column, damage.Expected, damage.Got);
            }
        }

        _store.Publish(_staged, _path);
        return new ShardEntry { Path = _path, Rows = _rows.Count, Bytes = read.Bytes, Sha256 = read.Sha256 };
    }

    /// <summary>Never throws. The temporary file of an unsealed shard is left to the next opening of this part.</summary>
    public void Dispose()
    {
        _group.ForEach(clip => clip.Dispose());
        _group.Clear();
        try
        {
            _stream?.Dispose();
        }
        catch (IOException)
        {
            // The last buffer of an abandoned file could not be written, and nobody will read it.
        }
    }

    private async Task FlushGroupAsync()
    {
        if (_group.Count == 0)
        {
            return;
        }

        long[][] places;
        using (var group = _parquet!.CreateRowGroup())
        {
            await group.WriteAsync(Id, [.. _group.Select(c => c.Row.Id)]);
            places =
            [
                await WriteAsync(group, Payload[0], c => c.FrameHashes), await WriteAsync(group, Payload[1], c => c.FrameOffsets), await WriteAsync(group, Payload[2], c => c.Mel),
                await WriteAsync(group, Payload[3], c => c.Pcm), await WriteAsync(group, Payload[4], c => c.Frames),
            ];
            group.CompleteValidate();
        }

        for (var i = 0; i < _group.Count; i++)
        {
            _rows.Add(_group[i].Row with
            {
                ShardPath = _path, Row = _rows.Count,
                FrameHashOffset = places[0][i], FrameOffsetsOffset = places[1][i], MelOffset = places[2][i], PcmOffset = places[3][i], FramesOffset = places[4][i],
            });
            _group[i].Dispose();
        }

        _group.Clear();
        _groupBytes = 0;
    }

    // A payload column holds nothing but values and their 4-byte lengths after its page header, so counting back from its end finds each without knowing how long the header is.
    private async Task<long[]> WriteAsync(ParquetRowGroupWriter group, DataField field, Func<StagedClip, ReadOnlyMemory<byte>> value)
    {
        await group.WriteAsync<ReadOnlyMemory<byte>>(field, _group.Select(value).ToArray().AsMemory());
        var places = new long[_group.Count];
        var end = _stream!.Position;
        for (var i = places.Length - 1; i >= 0; i--)
        {
            places[i] = end - value(_group[i]).Length;
            end = places[i] - sizeof(int);
        }

        return places;
    }
}
