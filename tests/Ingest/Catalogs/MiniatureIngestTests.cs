using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>Every dataset's miniature through the whole job: what is in the cache is what the miniature says, no more and no less.</summary>
public sealed class MiniatureIngestTests(MediaMaker media) : IClassFixture<MediaMaker>
{
    [Theory]
    [InlineData("audioset", 24, Modalities.AudioVideo)]
    [InlineData("csv", 8, Modalities.AudioVideo)]
    [InlineData("esc50", 10, Modalities.Audio)]
    [InlineData("fsd50k", 12, Modalities.Audio)]
    [InlineData("hmdb51", 8, Modalities.Video)]
    [InlineData("kinetics-sound", 4, Modalities.AudioVideo)]
    [InlineData("kinetics400", 24, Modalities.AudioVideo)]
    [InlineData("ucf101", 8, Modalities.Video)]
    public async Task RunAsync_Miniature_HasItsClipsLabelsSplitsAndFolds(string dataset, int clips, Modalities modalities)
    {
        var miniature = Miniatures.Make(dataset, media, new MiniatureOptions { ClipsPerClass = dataset switch { "esc50" => 5, "fsd50k" => 2, "kinetics-sound" => 1, _ => 4 } });
        var result = await IngestAsync(miniature, dataset);

        var cache = Cache.Open(media[dataset + "-cache"]);
        var failed = string.Join("; ", cache.ReadLedger().Values.Where(static entry => entry.State == ItemState.Failed).Select(static entry => $"{entry.Id} {entry.Reason} {entry.Detail}"));
        Assert.True(result.Failed == 0, failed);
        Assert.Equal(clips, result.Committed);
        Assert.Equal(miniature.Clips.Select(Said), cache.Clips.Select(static clip => Said(clip.Id, clip.Labels, clip.Split, clip.Folds, clip.Start)));
        Assert.Equal(modalities, DatasetRegistry.DefaultModalities(dataset));
        Assert.All(cache.Clips, clip => Assert.Equal((modalities != Modalities.Audio, modalities != Modalities.Video), (clip.NumFrames > 0, clip.MelFrames > 0)));

        var origin = Assert.Single(cache.Manifest.Origins);
        Assert.Equal((dataset, miniature.Root, modalities switch { Modalities.Video => "video", Modalities.Audio => "audio", _ => "av" }), (origin.Dataset, origin.Root, origin.Modalities));

        // A stretch of a longer file is only that; what was cut out already is whole.
        Assert.All(cache.Clips, static clip => Assert.InRange(clip.Duration, 1.8, 2.2));
    }

    [Fact]
    public async Task RunAsync_ListedFilesGone_AreLedgerEntriesHoweverManyInARow()
    {
        var miniature = Miniatures.Make("ucf101", media, new MiniatureOptions { Classes = 1, ClipsPerClass = 2 + EnvironmentGuard.Limit }, "ucf101-gone");
        foreach (var clip in miniature.Clips.Skip(2))
        {
            File.Delete(miniature[clip.File]);
        }

        var notes = new List<string>();
        var result = await IngestAsync(miniature, "ucf101-gone", notes);

        Assert.Equal((2, EnvironmentGuard.Limit), (result.Committed, result.Failed));
        var failed = Cache.Open(media["ucf101-gone-cache"]).ReadLedger().Values.Where(static entry => entry.State == ItemState.Failed).ToList();
        Assert.Equal(miniature.Clips.Skip(2).Select(static clip => clip.Id), failed.Select(static entry => entry.Id).Order(StringComparer.Ordinal));
        Assert.All(failed, static entry => Assert.Equal(("catalog", "absent"), (entry.Stage, entry.Reason)));
        Assert.Contains($"{EnvironmentGuard.Limit} of {miniature.Clips.Count} listed clips have no file", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_LongSource_SegmentsKeepLabelsSplitAndFolds()
    {
        var miniature = Miniatures.Make("esc50", media, new MiniatureOptions { Classes = 1, ClipsPerClass = 1 }, "esc50-long");
        var job = new IngestJob(Options(miniature, "esc50-long") with { MaxClip = 1 }, media.Tools, TimeProvider.System);
        await job.RunAsync(null, TestContext.Current.CancellationToken);

        var clip = Assert.Single(miniature.Clips);
        Assert.Equal(
            [Said(clip.Id + "#0", clip.Labels, clip.Split, clip.Folds, 0), Said(clip.Id + "#1", clip.Labels, clip.Split, clip.Folds, 1)],
            Cache.Open(media["esc50-long-cache"]).Clips.Select(static c => Said(c.Id, c.Labels, c.Split, c.Folds, c.Start)));
    }

    private IngestOptions Options(Miniature miniature, string name) => new() { Dataset = miniature.Dataset, Root = miniature.Root, Out = media[name + "-cache"], ShortSide = 32 };

    private Task<IngestResult> IngestAsync(Miniature miniature, string name, List<string>? notes = null) =>
        new IngestJob(Options(miniature, name), media.Tools, TimeProvider.System).RunAsync(new NoteCollector(notes ?? []), TestContext.Current.CancellationToken);

    private static string Said(MiniatureClip clip) => Said(clip.Id, clip.Labels, clip.Split, clip.Folds, clip.Start ?? 0);

    private static string Said(string id, IReadOnlyList<string> labels, string? split, IReadOnlyList<string> folds, double start) =>
        FormattableString.Invariant($"{id} [{string.Join('+', labels)}] {split} [{string.Join(' ', folds)}] {start}");

    private sealed class NoteCollector(List<string> notes) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => notes.AddRange(value.Notes);
    }
}
