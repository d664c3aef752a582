using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary><c>xkd ingest</c> of datasets in their own layouts.</summary>
public sealed class DatasetCommandTests(MediaMaker media) : IClassFixture<MediaMaker>
{
    [Fact]
    public async Task Ingest_Hmdb51WithOneFileGone_Exits3AndInspectCountsTheRest()
    {
        var miniature = Hmdb51Miniature.Make(media);
        File.Delete(miniature[miniature.Clips[0].File]);
        File.Copy(miniature[miniature.Clips[1].File], miniature["videos/spare.avi"]);
        var cache = media["hmdb51-cache"];

        var result = await XkdProcess.RunAsync("ingest", "--dataset", "hmdb51", "--root", miniature.Root, "--out", cache, "--short-side", "32");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("hmdb51: 1 of 8 listed clips have no file", result.Output, StringComparison.Ordinal);
        Assert.Contains("1 media files under", result.Output, StringComparison.Ordinal);
        Assert.Contains($"failed {miniature.Clips[0].Id}: catalog/absent", result.Output, StringComparison.Ordinal);
        using var inspected = JsonDocument.Parse((await XkdProcess.RunAsync("inspect", cache, "--json")).Output);
        Assert.Equal((7, 1), (inspected.RootElement.GetProperty("clips").GetInt32(), inspected.RootElement.GetProperty("failed").GetInt32()));
        Assert.Equal(["brush_hair", "cartwheel"], inspected.RootElement.GetProperty("classes").EnumerateObject().Select(static name => name.Name));
        Assert.Equal([3, 4], inspected.RootElement.GetProperty("classes").EnumerateObject().Select(static name => name.Value.GetInt32()));
    }

    [Fact]
    public async Task Ingest_Fsd50kThenTrainOnIt_IsRefusedWithTheCommandThatWouldDo()
    {
        var miniature = Fsd50kMiniature.Make(media, new MiniatureOptions { ClipsPerClass = 1 });
        var cache = media["fsd50k-cache"];
        var ingested = await XkdProcess.RunAsync("ingest", "--dataset", "fsd50k", "--root", miniature.Root, "--split", "dev", "--out", cache, "--json");
        Assert.Equal(0, ingested.ExitCode);
        Assert.Equal(4, JsonDocument.Parse(ingested.Output).RootElement.GetProperty("committed").GetInt32());

        var train = await XkdProcess.RunAsync("train", "--config", RepositoryFiles.Find("configs", "pretrain", "tiny.yaml"), "--data", cache, "--out", media["run"], "--set", "batch=2");

        Assert.Equal(2, train.ExitCode);
        Assert.Contains($"xkd ingest --dataset fsd50k --root {miniature.Root} --split dev --out {cache}-av-112 --modalities av --fps 8 --short-side 112", train.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_MistakeInAList_Exits2WithFileAndLineAndLeavesNoCache()
    {
        var miniature = Esc50Miniature.Make(media);
        await File.AppendAllTextAsync(miniature["meta/esc50.csv"], "x.wav,9,0,dog,True,1,A\n", TestContext.Current.CancellationToken);

        var result = await XkdProcess.RunAsync("ingest", "--dataset", "esc50", "--root", miniature.Root, "--out", media["esc50-cache"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{miniature["meta/esc50.csv"]}, line 12: fold 9 of x.wav is not 1 to 5", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(media["esc50-cache"]));
    }
}
