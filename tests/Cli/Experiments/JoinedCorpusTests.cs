using Xkd.Experiments.AvDigits;
using Xkd.Ingest;
using Xkd.Storage;

namespace Xkd.Cli.Tests.Experiments;

public sealed class JoinedCorpusTests(DigitSources sources) : IClassFixture<DigitSources>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Make_Corpus_MakesTheSameBytesInTwoFoldersAndNothingTwice()
    {
        var tools = FfmpegTools.Locate();
        (var corpus, var first, var second) = (sources["joined-from"], sources["joined"], sources["joined-again"]);
        await new DigitCorpus(tools).GenerateAsync(corpus, new DigitCorpusOptions { Mnist = sources.Mnist, Fsdd = sources.Fsdd, TrainPerClass = 1, ValidationPerClass = 1 }, null, Token);
        Assert.Equal((20, 20), await new JoinedCorpus(tools).MakeAsync(corpus, first, 5, 0, null, Token));
        Assert.Equal((0, 20), await new JoinedCorpus(tools).MakeAsync(corpus, first, 5, 0, null, Token));
        Assert.Equal((20, 20), await new JoinedCorpus(tools).MakeAsync(corpus, second, 5, 0, null, Token));
        foreach (var file in Directory.EnumerateFiles(corpus, "*.mp4", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(corpus, f)))
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(first, file)), File.ReadAllBytes(Path.Combine(second, file)));
        }
    }

    [Fact]
    public async Task Make_FolderWithoutACorpus_NamesItAndTheCommand()
    {
        var error = await Assert.ThrowsAsync<UsageException>(() => new JoinedCorpus(FfmpegTools.Locate()).MakeAsync(sources["nothing"], sources["out"], 5, 0, null, Token));
        Assert.Contains("digit_0", error.Message, StringComparison.Ordinal);
        Assert.Contains("generate", error.Message, StringComparison.Ordinal);
    }
}
