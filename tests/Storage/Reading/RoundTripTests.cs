using System.IO.Hashing;
using DuckDB.NET.Data;

namespace Xkd.Storage.Tests;

public sealed class RoundTripTests
{
    private static readonly CacheWriterOptions Small = new() { RowGroupRows = 3, ShardRows = 7 };

    [Fact]
    public async Task Commit_ClipsOverSeveralShards_ReadBackTheSame()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 20).Select(i => Clips.Make($"{(char)('t' - i)}{new string('x', i)}.mp4", frames: 1 + i, width: 16 + i, melFrames: i))];
        var manifest = await Clips.WriteAsync(folder.Cache, clips, Small);
        var cache = Cache.Open(folder.Cache);

        Assert.Equal(3, manifest.Shards.Count);
        Assert.Equal(clips.Select(c => c.Id).Order(StringComparer.Ordinal), cache.Clips.Select(c => c.Id));
        Assert.All(clips, clip => Clips.AssertSame(clip, cache));
    }

    [Fact]
    public async Task Commit_ClipsWithoutFramesOrWithoutMel_ReadBackTheSame()
    {
        using TempFolder folder = new();
        ClipRecord[] clips =
        [
            Clips.Make("video.mp4", melFrames: 0),
            Clips.Make("audio.wav", frames: 0, height: 0, width: 0),
            Clips.Make("both.mp4"),
        ];
        await Clips.WriteAsync(folder.Cache, clips);
        var cache = Cache.Open(folder.Cache);
        Assert.All(clips, clip => Clips.AssertSame(clip, cache));
    }

    [Fact]
    public async Task Commit_PcmCache_ReadsSamplesBack()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [Clips.Make("a", melFrames: 0, samples: 400), Clips.Make("b", melFrames: 0, samples: 0), Clips.Make("c", melFrames: 0, samples: 7)];
        await Clips.WriteAsync(folder.Cache, clips, fingerprint: Clips.Fingerprint with { AudioCodec = AudioCodecs.Pcm });
        var cache = Cache.Open(folder.Cache);
        Assert.All(clips, clip => Clips.AssertSame(clip, cache));
    }

    [Fact]
    public async Task Index_Offsets_PointAtTheBytesInTheFile()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 8).Select(i => Clips.Make($"c{i}", frames: i))];
        var manifest = await Clips.WriteAsync(folder.Cache, clips, Small with { ShardRows = 100 });
        var file = await File.ReadAllBytesAsync(folder.In(Assert.Single(manifest.Shards).Path), TestContext.Current.CancellationToken);
        foreach (var (clip, entry) in clips.Zip(Cache.Open(folder.Cache).Clips))
        {
            Assert.True(clip.Frames.Span.SequenceEqual(file.AsSpan((int)entry.FramesOffset, clip.Frames.Length)), $"frames of {clip.Id}");
            Assert.True(clip.Mel.Span.SequenceEqual(file.AsSpan((int)entry.MelOffset, clip.Mel.Length)), $"mel of {clip.Id}");
        }
    }

    [Fact]
    public async Task Manifest_MelStatistics_AreThoseOfAllValues()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [Clips.Make("a", melFrames: 40), Clips.Make("b", melFrames: 3), Clips.Make("c", melFrames: 0)];
        await Clips.WriteAsync(folder.Cache, clips[..1]);
        var manifest = await Clips.WriteAsync(folder.Cache, clips[1..]);
        var mean = clips.Sum(c => c.MelSum) / (43 * Clips.Fingerprint.Mels);
        var squares = clips.Sum(c => c.MelSumSquares) / (43 * Clips.Fingerprint.Mels);
        Assert.Equal(43, manifest.Mel.Frames);

        // Float64 adds float16 values and their squares exactly, in any order.
        Assert.Equal(mean, manifest.Mel.Mean);
        Assert.Equal(Math.Sqrt(squares - (mean * mean)), manifest.Mel.Std);
    }

    [Fact]
    public async Task IndexAndShards_OpenedByDuckDb_ShowTheRows()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 9).Select(i => Clips.Make($"clip-{i}{new string('y', i)}", frames: i))];
        await Clips.WriteAsync(folder.Cache, clips, Small);
        using DuckDBConnection connection = new("DataSource=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        using var command = connection.CreateCommand();
        command.CommandText = "select i.id, octet_length(frames), octet_length(mel), label, labels, folds, num_frames, split, mel_hash, duration, octet_length(frame_hash), count(*) over (), item, mel_sum "
            + $"from '{folder.In("index")}/*.parquet' i join read_parquet('{folder.In("shards")}/*.parquet', filename = true, file_row_number = true) s "
            + "on s.filename like '%' || i.shard and s.file_row_number = i.row where i.id = s.id order by i.id";
        using var rows = command.ExecuteReader();
        foreach (var clip in clips.OrderBy(c => c.Id, StringComparer.Ordinal))
        {
            Assert.True(rows.Read());
            Assert.Equal(clip.Id, rows.GetString(0));
            Assert.Equal(clip.Frames.Length, rows.GetInt64(1));
            Assert.Equal(clip.Mel.Length, rows.GetInt64(2));
            Assert.Equal(clip.Label, rows.IsDBNull(3) ? null : rows.GetString(3));
            Assert.Equal(clip.Labels, rows.GetFieldValue<List<string>>(4));
            Assert.Equal(clip.Folds, rows.GetFieldValue<List<string>>(5));
            Assert.Equal(clip.NumFrames, rows.GetInt32(6));
            Assert.Equal(clip.Split, rows.IsDBNull(7) ? null : rows.GetString(7));
            Assert.Equal(XxHash3.HashToUInt64(clip.Mel.Span), rows.GetFieldValue<ulong>(8));
            Assert.Equal(clip.Duration, rows.GetDouble(9));
            Assert.Equal(clip.NumFrames * 8, rows.GetInt64(10));
            Assert.Equal(clips.Length, rows.GetInt64(11));
            Assert.True(rows.IsDBNull(12));
            Assert.Equal(clip.MelSum, rows.GetDouble(13));
        }

        Assert.False(rows.Read());
    }
}
