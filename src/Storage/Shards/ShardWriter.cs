using System.Globalization;
using Parquet;

namespace Xkd.Storage;

/// <summary>
/// Writes one shard under its temporary name. Only <see cref="SealAsync"/> gives it its final one; disposed before that, it leaves a
/// temporary file nobody reads (Parquet.Net writes a valid footer even when disposed after an exception, so a footer proves nothing).
/// </summary>
internal sealed class ShardWriter : IDisposable
{
    private readonly ICacheStore _store;
    private readonly CacheWriterOptions _options;
    private readonly List<StagedClip> _group = [];
    private readonly List<ShardRow> _rows = [];
    private readonly List<RowPlace> _places = [];
    private readonly List<string> _chunks = [];
    private readonly string _path;
    private readonly StagedFile _staged;
    private ChecksumStream? _stream;
    private ParquetWriter? _parquet;
    private long _groupBytes;

    private ShardWriter(ICacheStore store, CacheWriterOptions options, int number)
    {
        (_store, _options) = (store, options);
        _path = CacheLayout.ShardPath(options.Part, number, store.WriterMark);
        _staged = store.Stage(_path, options.Part);
    }

    public int Rows => _rows.Count;

    /// <summary>Payload bytes taken in.</summary>
    public long Bytes { get; private set; }

    public MelStatistics Mel { get; private set; } = new();

    public static async Task<ShardWriter> CreateAsync(ICacheStore store, CacheWriterOptions options, int number)
    {
        ShardWriter shard = new(store, options, number);
        shard._stream = new ChecksumStream(shard._staged.Stream);
        shard._parquet = await ParquetWriter.CreateAsync(ShardSchema.Schema, shard._stream, ShardSchema.Options);
        return shard;
    }

    /// <summary>Takes a row over; its buffers go back to the pool once its row group is written.</summary>
    public async Task AddAsync(StagedClip clip, int mels)
    {
        _group.Add(clip);
        _rows.Add(clip.Row);
        _groupBytes += clip.Bytes;
        Bytes += clip.Bytes;
        Mel = Mel.Add(clip.MelStatisticFrames, (long)clip.MelStatisticFrames * mels, clip.MelSum, clip.MelSumSquares);
        if (_group.Count >= _options.RowGroupRows || _groupBytes >= _options.RowGroupBytes)
        {
            await FlushGroupAsync(mels);
        }
    }

    /// <summary>Closes, reads back, syncs and renames: after this the shard is complete in the store, though no manifest lists it yet.</summary>
    public async Task<ShardEntry> SealAsync(int mels)
    {
        await FlushGroupAsync(mels);
        var footer = _stream!.Position;
        RowIndex.Write(_stream, _rows, _places);
        _parquet!.CustomMetadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [ShardSchema.ChecksumKey] = "crc32c",
            [ShardSchema.ChunksKey] = string.Join(';', _chunks),
        };
        await _parquet.DisposeAsync();
        _parquet = null;
        var written = _stream.Total;
        await _stream.DisposeAsync();
        _stream = null;

        var entry = await ShardSeal.VerifyAsync(_staged.Path, _path, _rows, _places, footer, written, mels);
        _store.Publish(_staged, _path);
        return entry;
    }

    /// <summary>Never throws. The temporary file of an unsealed shard is left to the next opening of this part.</summary>
    public void Dispose()
    {
        foreach (var clip in _group)
        {
            clip.Dispose();
        }

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

    private async Task FlushGroupAsync(int mels)
    {
        if (_group.Count == 0)
        {
            return;
        }

        _stream!.Mark();
        List<uint> crcs = [];
        List<long> ends = [];
        using (var group = _parquet!.CreateRowGroup())
        {
            await ShardColumns.WriteAsync(group, _group, () =>
            {
                crcs.Add(_stream.Mark());
                ends.Add(_stream.Position);
            });
            group.CompleteValidate();
        }

        _places.AddRange(RowPlace.Of([.. _group.Select(c => c.Row)], mels, new RowPlace(ends[^5], ends[^4], ends[^3], ends[^2], ends[^1])));
        _chunks.Add(string.Join(',', crcs.Select(c => c.ToString("x8", CultureInfo.InvariantCulture))));
        foreach (var clip in _group)
        {
            clip.Dispose();
        }

        _group.Clear();
        _groupBytes = 0;
    }
}
