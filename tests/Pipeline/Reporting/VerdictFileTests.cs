using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class VerdictFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-verdict").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_NoFile_SaysNothing() => Assert.Empty(VerdictFile.Read(_folder));

    [Fact]
    public void Read_Flags_AreSentences()
    {
        Write("""{"learned": false, "collapsed": {"video": true, "audio": null}, "bottleneck": "The feed is slow.", "advice": ["Raise data.workers."]}""");
        Assert.Equal(
            [
                ("It did not learn.", VerdictLevel.Bad), ("The video features collapsed.", VerdictLevel.Bad), ("The feed is slow.", VerdictLevel.Plain),
                ("Raise data.workers.", VerdictLevel.Warning),
            ],
            VerdictFile.Read(_folder));
    }

    [Fact]
    public void Read_Words_AreTakenAsTheyAre()
    {
        Write("""{"learned": "The losses fell by half.", "collapsed": {"video": false}}""");
        Assert.Equal(
            [("The losses fell by half.", VerdictLevel.Plain), ("The video features did not collapse.", VerdictLevel.Good)],
            VerdictFile.Read(_folder));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("""{"advice": [1]}""")]
    public void Read_OtherThings_AreAFailureThatNamesTheFile(string text)
    {
        Write(text);
        Assert.Contains(VerdictFile.Name + " is damaged", Assert.Throws<FailureException>(() => VerdictFile.Read(_folder)).Message, StringComparison.Ordinal);
    }

    private void Write(string text) => File.WriteAllText(Path.Combine(_folder, VerdictFile.Name), text);
}
