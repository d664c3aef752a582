using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// A folder that <c>datasets.load_dataset(DIR)</c> loads: <c>data/SPLIT-NNNNN-of-NNNNN.parquet</c>, and a <c>README.md</c> whose YAML says what splits and
/// columns there are. JPEG frames are a list of images, samples a sound; raw frames and log-mels are bytes, whose shape stands beside them.
/// </summary>
internal sealed partial class HuggingFaceWriter : IClipWriter
{
    private const long GroupBytes = 64 << 20; // what a reader holds in memory at least
    private const int GroupRows = 1000;
    private readonly ExportFolder _folder;
    private readonly Cache _cache;
    private readonly ClipEntry[] _clips;
    private readonly long _shardBytes;
    private readonly ExportColumn[] _columns;
    private readonly ParquetSchema _schema;
    private readonly List<ClipRecord> _group = [];
    private readonly SortedDictionary<string, (int Files, int Clips, long Bytes)> _splits = new(StringComparer.Ordinal);
    private FileStream? _file;
    private ParquetWriter? _parquet;
    private string _split = "";

    /// <exception cref="UsageException">An added column has the name of a payload.</exception>
    public HuggingFaceWriter(ExportFolder folder, Cache cache, ClipEntry[] clips, long shardBytes)
    {
        (_folder, _cache, _clips, _shardBytes) = (folder, cache, clips, shardBytes);
        ClipFields fields = new(cache.Clips);
        _columns =
        [
            .. RowTable<ClipEntry>.Columns.Where(c => fields.Names.Contains(c.Name)).Select(ExportColumn.OfIndex),
            .. fields.Added.Select(name => ExportColumn.OfAdded(name, cache.Clips)), .. Payload(cache.Manifest.Fingerprint, clips),
        ];
        if (_columns.CountBy(c => c.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(c => c.Value > 1).Key is { } twice)
        {
            throw new UsageException($"cache {cache.Path}: the added column {twice} has the name of a column of the export; add it under another name");
        }

        _schema = new ParquetSchema([.. _columns.Select(c => c.Parquet)]);
    }

    public IEnumerable<ClipEntry> Clips => _clips.OrderBy(Split, StringComparer.Ordinal); // within a split by id

    public async Task AddAsync(ClipRecord clip)
    {
        if (_parquet is not null && (Split(clip) != _split || _file!.Position >= _shardBytes))
        {
            await CloseAsync();
        }

        if (_parquet is null)
        {
            _split = Split(clip);
            var known = _splits.GetValueOrDefault(_split);
            _file = _folder.Create(Staged(_split, known.Files));
            _parquet = await ParquetWriter.CreateAsync(_schema, _file, new ParquetOptions { CompressionMethod = CompressionMethod.None });
            _splits[_split] = known with { Files = known.Files + 1 };
        }

        _group.Add(clip);
        var all = _splits[_split];
        _splits[_split] = all with { Clips = all.Clips + 1, Bytes = all.Bytes + Bytes(clip) };
        if (_group.Count == GroupRows || _group.Sum(Bytes) >= Math.Min(GroupBytes, _shardBytes))
        {
            await FlushAsync();
        }
    }

    public async Task CompleteAsync()
    {
        await CloseAsync();
        foreach (var (split, (files, _, _)) in _splits)
        {
            for (var i = 0; i < files; i++)
            {
                _folder.Rename(Staged(split, i), $"data/{split}-{i:d5}-of-{files:d5}.parquet");
            }
        }

        await using var readme = _folder.Create(ExportFolder.ReadMe);
        await readme.WriteAsync(Encoding.UTF8.GetBytes(ReadMe()));
        readme.Flush(flushToDisk: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is not null)
        {
            await _file.DisposeAsync(); // without a footer: nobody will read it
        }
    }

    // Split names are words there.
    private static string Split(ClipEntry clip) => string.IsNullOrEmpty(clip.Split) ? "train" : NoWord().Replace(clip.Split, "_");

    private static string Staged(string split, int number) => $"data/{split}-{number:d5}";

    private static long Bytes(ClipRecord clip) => (long)clip.Frames.Length + clip.Mel.Length + clip.Pcm.Length;

    private static IEnumerable<ExportColumn> Payload(Fingerprint fingerprint, ClipEntry[] clips)
    {
        if (Array.Exists(clips, c => c.NumFrames > 0))
        {
            yield return fingerprint.FramesCodec == FrameCodecs.Jpeg
                ? ExportColumn.Files("frames", "sequence: image", clip => [.. Enumerable.Range(0, clip.NumFrames).Select(clip.Jpeg)])
                : ExportColumn.Bytes("frames", clip => clip.Frames);
        }

        if (Array.Exists(clips, c => c.MelFrames > 0))
        {
            yield return ExportColumn.Constant("mels", fingerprint.Mels);
            yield return ExportColumn.Bytes("mel", clip => clip.Mel);
        }

        if (Array.Exists(clips, c => c.NumSamples > 0))
        {
            var feature = string.Create(CultureInfo.InvariantCulture, $"dtype:\n      audio:\n        sampling_rate: {fingerprint.SampleRate}");
            yield return ExportColumn.File("audio", feature, clip =>
                clip.NumSamples > 0 ? WavFile.Of(MemoryMarshal.Cast<byte, short>(clip.Pcm.Span), clip.AudioRate) : default);
        }
    }

    private async Task FlushAsync()
    {
        if (_group.Count == 0)
        {
            return;
        }

        using var group = _parquet!.CreateRowGroup();
        ClipRecord[] rows = [.. _group];
        foreach (var column in _columns)
        {
            await column.WriteAsync(group, rows);
        }

        group.CompleteValidate();
        _group.Clear();
    }

    private async Task CloseAsync()
    {
        if (_parquet is not null)
        {
            await FlushAsync();
            await _parquet.DisposeAsync();
            _file!.Flush(flushToDisk: true);
            await _file.DisposeAsync();
            (_parquet, _file) = (null, null);
        }
    }

    private string ReadMe()
    {
        StringBuilder text = new("---\nconfigs:\n- config_name: default\n  data_files:\n");
        foreach (var split in _splits.Keys)
        {
            text.Append($"  - split: {split}\n    path: data/{split}-*\n");
        }

        text.Append("dataset_info:\n  features:\n");
        foreach (var column in _columns)
        {
            text.Append($"  - name: {JsonSerializer.Serialize(column.Name)}\n    {column.Feature}\n"); // a JSON text is one of YAML
        }

        text.Append("  splits:\n");
        foreach (var (split, (_, clips, bytes)) in _splits)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - name: {split}\n    num_bytes: {bytes}\n    num_examples: {clips}\n");
        }

        return text.Append("---\n\n").Append($$"""
            # {{ExportText.Name(_cache)}}

            {{_splits.Values.Sum(s => s.Clips)}} clips from version {{_cache.Manifest.Version}} of an XKD cache:
            {{ExportText.Media(_cache.Manifest.Fingerprint)}}.
            `start` and `duration` are in seconds, `fps` is frames a second. Clips without a split are in `train`.

            | column | content |
            |---|---|
            | `frames` | a list of images where the cache keeps JPEGs; else RGB bytes of shape [num_frames, height, width, 3] |
            | `mel` | log-mel spectrogram, float16 bytes of shape [mels, mel_frames]; where the cache keeps it |
            | `audio` | sound, 16-bit mono WAV; where the cache keeps samples |

            ```python
            import datasets, numpy as np
            clip = datasets.load_dataset("path/of/this/folder", split="{{_splits.Keys.First()}}")[0]
            frames = np.frombuffer(clip["frames"], np.uint8).reshape(clip["num_frames"], clip["height"], clip["width"], 3)   # of raw frames
            mel = np.frombuffer(clip["mel"], np.float16).reshape(clip["mels"], clip["mel_frames"])
            ```

            """).ToString();
    }

    [GeneratedRegex("[^A-Za-z0-9_]")]
    private static partial Regex NoWord();
}
