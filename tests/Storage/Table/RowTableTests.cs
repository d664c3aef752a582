using System.ComponentModel.DataAnnotations.Schema;

namespace Xkd.Storage.Tests;

public sealed class RowTableTests
{
    private static readonly Dictionary<string, string> None = new(StringComparer.Ordinal);

    /// <summary>The index with one more column: the property here, and where its value comes from. Nothing else names it.</summary>
    private sealed record WithLoudness : ClipEntry
    {
        public double? Peak => Loudness * 2; // without a setter: not stored

        public double Loudness { get; init; } = -70;

        [NotMapped]
        public int Place { get; init; }
    }

    [Fact]
    public async Task Column_AddedInOnePlace_IsWrittenReadAndQueried()
    {
        WithLoudness[] rows = [.. Enumerable.Range(0, 3).Select(i => new WithLoudness { Id = $"{i}", Loudness = -10 * i, Place = 7, Labels = ["a", "b"], Split = i == 1 ? null : "train" })];
        var read = await RowTable<WithLoudness>.ReadAsync(await RowTable<WithLoudness>.WriteAsync(rows, None), 3);
        Assert.Equal([0, -10, -20], read.Select(r => r.Loudness));
        Assert.All(read, r => Assert.Equal((0, "a"), (r.Place, r.Labels[0])));
        Assert.Equal(["train", null, "train"], read.Select(r => r.Split));
        var column = Assert.Single(RowTable<WithLoudness>.Columns, c => c.Name == "loudness");
        Assert.Equal(-20.0, column.Get(read[2]));
        Assert.DoesNotContain(RowTable<WithLoudness>.Columns, c => c.Name is "place" or "peak");
    }

    [Fact]
    public async Task Read_FileWithoutOrWithMoreColumns_KeepsDefaultsAndSkipsTheRest()
    {
        ClipEntry[] old = [new() { Id = "x", Width = 5, ShardPath = "shards/a-000001.parquet" }];
        var read = Assert.Single(await RowTable<WithLoudness>.ReadAsync(await RowTable<ClipEntry>.WriteAsync(old, None), 1));
        Assert.Equal(("x", 5, -70.0, "shards/a-000001.parquet"), (read.Id, read.Width, read.Loudness, read.ShardPath));
        var again = Assert.Single(await RowTable<ClipEntry>.ReadAsync(await RowTable<WithLoudness>.WriteAsync([read], None), 1));
        Assert.Equal(("x", 5), (again.Id, again.Width));
    }

    [Fact]
    public async Task Read_MoreRowsThanThereCanBe_IsRefusedWithoutMemoryForThem()
    {
        var file = await RowTable<ClipEntry>.WriteAsync([.. Enumerable.Range(0, 9).Select(i => new ClipEntry { Id = $"{i}" })], None);
        Assert.Contains("9 rows where at most 8", (await Assert.ThrowsAsync<InvalidDataException>(() => RowTable<ClipEntry>.ReadAsync(file, 8))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_AQuery_GivesTheRowsThatPassWithTheColumnsAskedFor()
    {
        var rows = Enumerable.Range(0, 100).Select(i => new ClipEntry
        {
            Id = $"{i}", Label = i % 3 == 0 ? null : $"l{i % 3}", Labels = i % 4 == 0 ? [] : [$"a{i}", "b"],
            Duration = i, Split = i % 2 == 0 ? "train" : null, Source = $"s{i}", Width = i,
        }).ToArray();
        var file = await RowTable<ClipEntry>.WriteAsync(rows, None);
        RowQuery<ClipEntry> query = new(
            Set("label", "split", "duration"), Set("id", "labels", "split", "width"), row => row is { Label: null, Split: "train", Duration: > 20 });

        var read = await RowTable<ClipEntry>.ReadAsync(file, 100, query);

        Assert.Equal(rows.Where(query.Test).Select(Asked), read.Select(Asked));
        Assert.NotEmpty(read);
        Assert.All(read, row => Assert.Equal(("", 0.0), (row.Source, row.Duration))); // not asked for
        RowQuery<WithLoudness> lacking = new(Set("loudness"), Set("id"), row => row.Loudness == new WithLoudness { Id = "" }.Loudness);
        Assert.Equal(100, (await RowTable<WithLoudness>.ReadAsync(file, 100, lacking)).Length); // the file lacks the column: each row has its default
        Assert.Empty(await RowTable<ClipEntry>.ReadAsync(file, 100, query with { Test = _ => false }));

        static (string, string?, int, string) Asked(ClipEntry row) => (row.Id, row.Split, row.Width, string.Join(',', row.Labels));

        static HashSet<string> Set(params string[] names) => [.. names];
    }

    [Fact]
    public async Task Index_EveryValue_IsReadBackAsWritten()
    {
        ClipEntry clip = new()
        {
            Id = "ü/\n#1", Item = "ü/\n", Source = "s", Label = "", Labels = ["", "é"], Split = "train", Folds = ["1:train"], Start = 1.25, Duration = 2.5, Fps = 8, Width = 3, Height = 4, NumFrames = 5, MelFrames = 6,
            NumSamples = 7, AudioRate = 16000, MelSum = -1.5, MelSumSquares = 9, MelHash = ulong.MaxValue, PcmHash = 1, Row = 2, FramesOffset = long.MaxValue, FramesBytes = 180, FrameHashOffset = 11,
            FrameOffsetsOffset = 12, MelOffset = 13, PcmOffset = 14, ShardPath = "shards/a-000001.parquet",
        };
        var read = Assert.Single(await RowTable<ClipEntry>.ReadAsync(await RowTable<ClipEntry>.WriteAsync([clip], None), 1));
        Assert.All(RowTable<ClipEntry>.Columns, column => Assert.Equal(column.Get(clip), column.Get(read)));
        Assert.DoesNotContain(RowTable<ClipEntry>.Columns, column => column.Get(clip) is null or 0 or 0L or 0.0); // each was given a value of its own
    }
}
