using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class ShapesGeneratorTests : IDisposable
{
    private static readonly ShapesOptions Small = new() { Seed = 7, TrainPerClass = 2, ValidationPerClass = 1 };
    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Fact]
    public async Task GenerateAsync_Twice_MakesWhatIsMissingOnly()
    {
        var generator = new ShapesGenerator(_media.Tools);
        Assert.Equal(18, await generator.GenerateAsync(_media.Root, Small, null, TestContext.Current.CancellationToken));
        var lost = _media["train/star/star_0001.mp4"];
        var before = await File.ReadAllBytesAsync(lost, TestContext.Current.CancellationToken);
        File.Delete(lost);

        Assert.Equal(1, await generator.GenerateAsync(_media.Root, Small, null, TestContext.Current.CancellationToken));
        Assert.Equal(before, await File.ReadAllBytesAsync(lost, TestContext.Current.CancellationToken));
        Assert.Equal(ShapesGenerator.Classes.Order(StringComparer.Ordinal), Directory.GetDirectories(_media["val"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task GenerateAsync_ItsClips_DecodeWhole()
    {
        await new ShapesGenerator(_media.Tools).GenerateAsync(_media.Root, Small, null, TestContext.Current.CancellationToken);
        var decoder = new MediaDecoder(_media.Tools, new DecodeOptions(), TimeProvider.System);
        var outcome = await decoder.DecodeAsync(new SourceItem { Id = "a", Path = _media["val/ring/ring_0000.mp4"] }, TestContext.Current.CancellationToken);

        using var clip = outcome.Media!;
        Assert.InRange(clip.NumFrames, 35, 40);
        Assert.InRange(clip.NumSamples, 71_000, 82_000);
        Assert.Empty(clip.Warnings);
    }

    [Fact]
    public async Task GenerateAsync_OtherOptionsInTheSameFolder_IsRefused()
    {
        var generator = new ShapesGenerator(_media.Tools);
        var none = Small with { TrainPerClass = 0, ValidationPerClass = 0 };
        await generator.GenerateAsync(_media.Root, none, null, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<UsageException>(() => generator.GenerateAsync(_media.Root, none with { Seed = 8 }, null, TestContext.Current.CancellationToken));
    }
}
