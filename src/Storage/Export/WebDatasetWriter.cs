using System.Formats.Tar;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>
/// Shards of the webdataset library: <c>NNNNNN.tar</c>, whose files are a clip's as long as their name up to the first dot stays the same. That is a number:
/// ids hold dots and slashes, and stand in the clip's JSON. Clips are in an order without meaning, since readers of tar files shuffle only what lies near.
/// </summary>
internal sealed class WebDatasetWriter(ExportFolder folder, Cache cache, ClipEntry[] clips, long shardBytes) : IClipWriter
{
    private readonly ClipFields _fields = new(cache.Clips);
    private readonly DateTimeOffset _time = DateTimeOffset.Parse(cache.Manifest.Created, CultureInfo.InvariantCulture);
    private FileStream? _file;
    private TarWriter? _tar;
    private int _shards;
    private int _clips;

    public IEnumerable<ClipEntry> Clips => clips.OrderBy(c => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(c.Id.AsSpan())));

    public async Task AddAsync(ClipRecord clip)
    {
        if (_tar is null)
        {
            _file = folder.Create($"{_shards++:d6}.tar");
            _tar = new TarWriter(_file, TarEntryFormat.Ustar, leaveOpen: true);
        }

        foreach (var (field, bytes) in Files(clip))
        {
            using MemoryStream content = new(bytes.ToArray(), writable: false);
            await _tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, $"{_clips:d9}.{field}") { ModificationTime = _time, DataStream = content });
        }

        _clips++;
        if (_file!.Position >= shardBytes)
        {
            await CloseAsync();
        }
    }

    public async Task CompleteAsync()
    {
        await CloseAsync();
        await using var readme = folder.Create(ExportFolder.ReadMe);
        await readme.WriteAsync(Encoding.UTF8.GetBytes(ReadMe()));
        readme.Flush(flushToDisk: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is not null)
        {
            await _file.DisposeAsync();
        }
    }

    private async Task CloseAsync()
    {
        if (_tar is not null)
        {
            await _tar.DisposeAsync();
            _file!.Flush(flushToDisk: true);
            await _file.DisposeAsync();
            (_tar, _file) = (null, null);
        }
    }

    private IEnumerable<(string Field, ReadOnlyMemory<byte> Bytes)> Files(ClipRecord clip)
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json))
        {
            _fields.Write(writer, clip);
        }

        yield return ("json", json.ToArray());
        if (!clip.FrameOffsets.IsEmpty)
        {
            // As many digits as sort all frames of the clip by name.
            var digits = Math.Max(3, $"{clip.NumFrames - 1}".Length);
            for (var i = 0; i < clip.NumFrames; i++)
            {
                yield return ($"{i.ToString($"d{digits}", CultureInfo.InvariantCulture)}.jpg", clip.Jpeg(i));
            }
        }
        else if (clip.NumFrames > 0)
        {
            yield return ("frames.npy", NpyFile.Of(NpyFile.UInt8, clip.Frames.Span, clip.NumFrames, clip.Height, clip.Width, 3));
        }

        if (clip.MelFrames > 0)
        {
            yield return ("mel.npy", NpyFile.Of(NpyFile.Float16, clip.Mel.Span, cache.Manifest.Fingerprint.Mels, clip.MelFrames));
        }

        if (clip.NumSamples > 0)
        {
            yield return ("wav", WavFile.Of(MemoryMarshal.Cast<byte, short>(clip.Pcm.Span), clip.AudioRate));
        }
    }

    private string ReadMe() => $$"""
        # {{ExportText.Name(cache)}} in WebDataset format

        {{_clips}} clips in {{_shards}} shards `NNNNNN.tar`, from version {{cache.Manifest.Version}} of an XKD cache:
        {{ExportText.Media(cache.Manifest.Fingerprint)}}. Clips lie in an order without meaning.

        | file of a clip | content |
        |---|---|
        | `KEY.json` | {{string.Join(", ", _fields.Names)}}; `start` and `duration` in seconds. `KEY` is a number, `id` the clip's name |
        | `KEY.frames.npy` | frames, uint8 [frames, height, width, 3], RGB; where the cache keeps them raw |
        | `KEY.NNN.jpg` | each frame, where the cache keeps JPEGs |
        | `KEY.mel.npy` | log-mel spectrogram, float16 [mels, frames]; where the cache keeps it |
        | `KEY.wav` | sound, 16-bit mono; where the cache keeps samples |

        ```python
        import webdataset as wds
        data = wds.WebDataset("{000000..{{_shards - 1:d6}}}.tar", shardshuffle=100).shuffle(1000).decode("rgb8")
        for sample in data:
            print(sample["json"]["id"], sample["frames.npy"].shape)   # of JPEGs: sample["000.jpg"] and so on
        ```

        """;
}
