using System.Buffers.Binary;
using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DuckDB.NET.Data;

namespace Xkd.Storage.Tests;

/// <summary>What export writes, read by programs of others: tar files by .NET, Parquet by DuckDB.</summary>
public sealed partial class CacheExporterTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Out => Path.Combine(_folder.Path, "out");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WebDataset_RawAndMel_HoldsEveryClipOnceWithItsArrays()
    {
        ClipRecord[] clips = [.. Enumerable.Range(0, 9).Select(i => Clips.Make($"class.a/{i}{new string('z', i)}.mp4", frames: i))];
        await Clips.WriteAsync(_folder.Cache, clips);
        await AddScoresAsync(("class.a/0.mp4", 0.25));
        var (count, files, bytes) = await ExportAsync(ExportFormats.WebDataset, shardBytes: 6000);
        Assert.Equal((9, Directory.GetFiles(Out).Length, Directory.GetFiles(Out).Sum(f => new FileInfo(f).Length)), (count, files, bytes));
        Assert.True(File.Exists(Path.Combine(Out, "000001.tar")));

        var samples = ReadTars();
        Assert.Equal(9, samples.Count);
        foreach (var clip in clips)
        {
            var sample = Assert.Single(samples, s => Json(s).GetProperty("id").GetString() == clip.Id);
            Assert.DoesNotContain('.', sample.Key);
            var json = Json(sample);
            Assert.Equal((clip.Label, clip.Split), (json.GetProperty("label").GetString(), json.GetProperty("split").GetString()));
            Assert.Equal((clip.Start, clip.Duration), (json.GetProperty("start").GetDouble(), json.GetProperty("duration").GetDouble()));
            Assert.Equal(clip.Labels, json.GetProperty("labels").EnumerateArray().Select(l => l.GetString()!));
            Assert.Equal(clip.Id == "class.a/0.mp4" ? "0.25" : "null", json.GetProperty("score").GetRawText());
            Assert.Equal(clip.NumFrames > 0, sample.Value.ContainsKey("frames.npy"));
            if (clip.NumFrames > 0)
            {
                AssertArray(sample.Value["frames.npy"], "|u1", $"{clip.NumFrames}, 12, 16, 3", clip.Frames);
            }

            AssertArray(sample.Value["mel.npy"], "<f2", "8, 7", clip.Mel);
        }
    }

    [Fact]
    public async Task WebDataset_JpegAndPcm_HoldsTheJpegsAsCachedAndASound()
    {
        var fingerprint = Clips.Fingerprint with { FramesCodec = FrameCodecs.Jpeg, AudioCodec = AudioCodecs.Pcm };
        var clip = Clips.Make("a", frames: 3, melFrames: 0, samples: 500);
        await Clips.WriteAsync(_folder.Cache, [clip], fingerprint: fingerprint);
        await ExportAsync(ExportFormats.WebDataset);
        var sample = Assert.Single(ReadTars()).Value;
        Assert.Equal(["000.jpg", "001.jpg", "002.jpg", "json", "wav"], sample.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(JpegFrames.Encode(clip.Frames.Span, 3, 12, 16).Payload, new[] { "000.jpg", "001.jpg", "002.jpg" }.SelectMany(name => sample[name]));
        Assert.Equal("RIFF"u8, sample["wav"].AsSpan(0, 4));
        Assert.Equal(16000, BinaryPrimitives.ReadInt32LittleEndian(sample["wav"].AsSpan(24)));
        Assert.True(sample["wav"].AsSpan(44).SequenceEqual(clip.Pcm.Span));
    }

    [Fact]
    public async Task HuggingFace_RawAndMel_IsWhatDuckDbReads()
    {
        string?[] splits = [null, "train", "un-balanced"];
        ClipRecord[] clips = [.. Enumerable.Range(0, 9).Select(i => Clips.Make($"clip-{i}{new string('z', i)}", frames: i) with { Split = splits[i % 3] })];
        await Clips.WriteAsync(_folder.Cache, clips);
        await AddScoresAsync(("clip-0", 0.25), ("clip-2zz", 7));
        await ExportAsync(ExportFormats.HuggingFace, shardBytes: 4000);

        string[] files = [.. Directory.GetFiles(Path.Combine(Out, "data")).Select(f => Path.GetFileName(f))];
        Assert.All(files, file => Assert.Matches(@"^(train|un_balanced)-\d{5}-of-\d{5}\.parquet$", file));
        Assert.Contains(files, f => f.StartsWith("train-00001-of-", StringComparison.Ordinal));
        Assert.Equal(3L, Assert.Single(Query("select count(*) from read_parquet('{0}/data/un_balanced-*')"))[0]);
        var rows = Query("select id, label, labels, split, duration, num_frames, height, width, score, frames, mels, mel_frames, mel "
            + "from read_parquet('{0}/data/*.parquet') order by id");
        Assert.Equal(9, rows.Count);
        foreach (var (clip, row) in clips.OrderBy(c => c.Id, StringComparer.Ordinal).Zip(rows))
        {
            Assert.Equal([clip.Id, (object?)clip.Label ?? DBNull.Value], row[..2]);
            Assert.Equal(clip.Labels, (IEnumerable<string>)row[2]);
            Assert.Equal([(object?)clip.Split ?? DBNull.Value, clip.Duration, clip.NumFrames, 12, 16], row[3..8]);
            Assert.Equal(clip.Id == "clip-0" ? 0.25 : clip.Id == "clip-2zz" ? 7.0 : DBNull.Value, row[8]);
            Assert.Equal(clip.NumFrames == 0 ? DBNull.Value : clip.Frames.ToArray(), row[9]);
            Assert.Equal([8, 7, clip.Mel.ToArray()], [row[10], row[11], row[12]]);
        }

        var readme = await File.ReadAllTextAsync(Path.Combine(Out, "README.md"), Ct);
        Assert.StartsWith(
            "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n"
            + "  - split: un_balanced\n    path: data/un_balanced-*\ndataset_info:\n",
            readme, StringComparison.Ordinal);
        var described = NameLine().Matches(readme).Select(m => m.Groups["name"].Value);
        Assert.Equal(Query("describe select * from read_parquet('{0}/data/*.parquet')").Select(r => (string)r[0]), described);
        Assert.Contains("- name: \"score\"\n    dtype: float64\n", readme, StringComparison.Ordinal);
        Assert.Contains("  - name: un_balanced\n    num_bytes: ", readme, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HuggingFace_JpegAndPcm_HoldsImagesAndSoundsAsStructs()
    {
        var fingerprint = Clips.Fingerprint with { FramesCodec = FrameCodecs.Jpeg, AudioCodec = AudioCodecs.Pcm };
        ClipRecord[] clips =
        [
            Clips.Make("a", frames: 3, melFrames: 0, samples: 500), Clips.Make("b", frames: 0, melFrames: 0, samples: 10),
            Clips.Make("c", frames: 2, melFrames: 0),
        ];
        await Clips.WriteAsync(_folder.Cache, clips, fingerprint: fingerprint);
        await ExportAsync(ExportFormats.HuggingFace);
        var frames = Query("select id, i, f.bytes, f.path from "
            + "(select id, unnest(frames) f, unnest(range(1, len(frames) + 1)) i from read_parquet('{0}/data/*.parquet')) order by 1, 2");
        Assert.Equal(["a", "a", "a", "c", "c"], frames.Select(r => (string)r[0]));
        Assert.All(frames, r => Assert.Equal(DBNull.Value, r[3]));
        Assert.Equal(JpegFrames.Encode(clips[0].Frames.Span, 3, 12, 16).Payload, frames.Take(3).SelectMany(r => (byte[])r[2]));
        var sounds = Query("select id, len(frames), audio.bytes, audio is null from read_parquet('{0}/data/*.parquet') order by id");
        Assert.Equal([3L, 0L, 2L], sounds.Select(r => (long)r[1]));
        Assert.Equal([44 + 1000, 44 + 20], sounds.Take(2).Select(r => ((byte[])r[2]).Length));
        Assert.Equal([false, false, true], sounds.Select(r => (bool)r[3]));
        var readme = await File.ReadAllTextAsync(Path.Combine(Out, "README.md"), Ct);
        Assert.Contains("- name: \"frames\"\n    sequence: image\n", readme, StringComparison.Ordinal);
        Assert.Contains("- name: \"audio\"\n    dtype:\n      audio:\n        sampling_rate: 16000\n", readme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("webdataset")]
    [InlineData("hf")]
    public async Task Export_ADamagedRow_NamesTheCellAndLeavesNothing(string format)
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b"), Clips.Make("c")]);
        var clip = Cache.Open(_folder.Cache).Clips[1];
        var shard = _folder.In(clip.ShardPath);
        var bytes = await File.ReadAllBytesAsync(shard, Ct);
        bytes[clip.MelOffset + 3] ^= 1;
        await File.WriteAllBytesAsync(shard, bytes, Ct);
        var e = await Assert.ThrowsAsync<CorruptCacheException>(() => ExportAsync(format));
        Assert.Equal((clip.ShardPath, 1L, "mel"), (e.Shard, e.Row, e.Column));
        Assert.False(Directory.Exists(Out));

        Directory.CreateDirectory(Out);
        await Assert.ThrowsAsync<CorruptCacheException>(() => ExportAsync(format));
        Assert.Empty(Directory.GetFileSystemEntries(Out));
    }

    [Fact]
    public async Task Export_FolderThatIsNotEmpty_IsRefusedAndWithForceOnlyAnExportIsReplaced()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        await ExportAsync(ExportFormats.HuggingFace);
        await File.WriteAllTextAsync(Path.Combine(Out, "notes.txt"), "mine", Ct);
        var refused = await Assert.ThrowsAsync<UsageException>(() => ExportAsync(ExportFormats.WebDataset));
        Assert.Contains("is not empty", refused.Message, StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(Out, "data")));

        await ExportAsync(ExportFormats.WebDataset, force: true);
        Assert.Equal(["000000.tar", "README.md", "notes.txt"], Directory.GetFileSystemEntries(Out).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(2, ReadTars().Count);
    }

    [Fact]
    public async Task Export_Filter_TakesWhatItSelects()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        var cache = Cache.Open(_folder.Cache);
        CacheExportOptions options = new() { Format = ExportFormats.WebDataset };
        await CacheExporter.ExportAsync(cache, ClipFilter.Parse(["id=b"]), Out, options, Ct);
        Assert.Equal("b", Json(Assert.Single(ReadTars())).GetProperty("id").GetString());
        await Assert.ThrowsAsync<UsageException>(() => CacheExporter.ExportAsync(cache, ClipFilter.Parse(["id=x"]), Out, options with { Force = true }, Ct));
    }

    [Fact]
    public async Task HuggingFace_AnAddedColumnNamedAsAPayload_IsRefused()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a")]);
        await AddAsync("select 'a' as id, 'x' as mel");
        var refused = await Assert.ThrowsAsync<UsageException>(() => ExportAsync(ExportFormats.HuggingFace));
        Assert.Contains("added column mel", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public async Task HuggingFace_AddedColumnsOfAllTypes_KeepThem()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        await AddAsync("select 'b' as id, true as t, 3::smallint as n, 0.5::float as f, 'x' as s, ['p', 'q'] as l");
        await ExportAsync(ExportFormats.HuggingFace);
        var rows = Query("select t, n, f, s, l from read_parquet('{0}/data/*.parquet') order by id");
        Assert.Equal([DBNull.Value, DBNull.Value, DBNull.Value, DBNull.Value], rows[0][..4]);
        Assert.Equal([true, 3L, 0.5, "x"], rows[1][..4]);
        Assert.Equal(["p", "q"], (IEnumerable<string>)rows[1][4]);
    }

    private Task<(int Clips, int Files, long Bytes)> ExportAsync(string format, long shardBytes = 256 << 20, bool force = false) =>
        CacheExporter.ExportAsync(
            Cache.Open(_folder.Cache), ClipFilter.All, Out, new CacheExportOptions { Format = format, ShardBytes = shardBytes, Force = force }, Ct);

    private Task AddScoresAsync(params (string Id, double Score)[] scores) =>
        AddAsync($"select * from (values {string.Join(", ", scores.Select(s => $"('{s.Id}', {s.Score}::double)"))}) as t(id, score)");

    private async Task AddAsync(string select)
    {
        var file = Path.Combine(_folder.Path, "added.parquet");
        Query($"copy ({select}) to '{file}' (format parquet)");
        await new CacheEditor(_folder.Cache, TimeProvider.System).AddColumnsAsync(file, Ct);
    }

    private List<object[]> Query(string sql)
    {
        using DuckDBConnection connection = new("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql.Replace("{0}", Out, StringComparison.Ordinal);
        using var reader = command.ExecuteReader();
        List<object[]> rows = [];
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => Blob(reader.GetValue(i)))]);
        }

        return rows;
    }

    // DuckDB shows blobs as streams that end with the row.
    private static object Blob(object value)
    {
        if (value is not Stream stream)
        {
            return value;
        }

        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    // Samples by key, as webdataset groups them: consecutive files whose names agree up to the first dot.
    private Dictionary<string, Dictionary<string, byte[]>> ReadTars()
    {
        Dictionary<string, Dictionary<string, byte[]>> samples = new(StringComparer.Ordinal);
        foreach (var path in Directory.GetFiles(Out, "*.tar").Order(StringComparer.Ordinal))
        {
            using TarReader tar = new(File.OpenRead(path));
            while (tar.GetNextEntry(copyData: true) is { } entry)
            {
                var dot = entry.Name.IndexOf('.', StringComparison.Ordinal);
                var key = entry.Name[..dot];
                Assert.True(samples.Count == 0 || !samples.ContainsKey(key) || samples.Keys.Last() == key, $"the files of {key} are apart");
                samples.TryAdd(key, new Dictionary<string, byte[]>(StringComparer.Ordinal));
                samples[key].Add(entry.Name[(dot + 1)..], (byte[])Blob(entry.DataStream!));
            }
        }

        return samples;
    }

    private static JsonElement Json(KeyValuePair<string, Dictionary<string, byte[]>> sample) => JsonDocument.Parse(sample.Value["json"]).RootElement;

    private static void AssertArray(byte[] file, string type, string shape, ReadOnlyMemory<byte> values)
    {
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], file[..8]);
        var end = 10 + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        Assert.Equal($"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}", Encoding.ASCII.GetString(file[10..end]).TrimEnd());
        Assert.True(file.AsSpan(end).SequenceEqual(values.Span));
    }

    [GeneratedRegex("- name: \"(?<name>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex NameLine();
}
