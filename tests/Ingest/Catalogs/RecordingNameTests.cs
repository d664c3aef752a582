namespace Xkd.Ingest.Tests;

public sealed class RecordingNameTests
{
    [Theory]
    [InlineData("{0}")]
    [InlineData("Y{0}")]
    [InlineData("id_{0}")]
    [InlineData("[{0}]")]
    [InlineData("Some title [{0}]")]
    [InlineData("Some title ({0})")]
    [InlineData("Some title-{0}")]
    [InlineData("some_title_{0}")]
    [InlineData("0001.{0}")]
    [InlineData("Заголовок {0}")]
    public void Of_IdAlone_IsEither(string pattern) => AllIds(pattern, 30, 40, RecordingName.Holds.Either);

    [Theory]
    [InlineData("{0}_30")]
    [InlineData("{0}_30_40")]
    [InlineData("{0}_30000")]
    [InlineData("{0}_30000_40000")]
    [InlineData("{0}_000030_000040")]
    [InlineData("{0}_30.0-40.0")]
    [InlineData("{0}_30.000_40.000")]
    [InlineData("{0}-30-40")]
    [InlineData("{0}.30-40")]
    [InlineData("{0} 30 - 40")]
    [InlineData("{0}_30s_40s")]
    [InlineData("{0}_30s-40s")]
    [InlineData("{0}_start30_end40")]
    [InlineData("{0}_30_to_40")]
    [InlineData("{0}[30-40]")]
    [InlineData("{0} (30-40)")]
    [InlineData("[{0}]-[30-40]")]
    [InlineData("id_{0}_30")]
    [InlineData("Y{0}_30000")]
    [InlineData("Some title [{0}] 30-40")]
    [InlineData("Some title-{0}_000030_000040")]
    public void Of_IdAndItsTimes_IsTheStretch(string pattern) => AllIds(pattern, 30, 40, RecordingName.Holds.Stretch);

    [Theory]
    [InlineData("{0}_31")]
    [InlineData("{0}_30_50")]
    [InlineData("{0}_20_40")]
    [InlineData("{0}_30000_40")]
    [InlineData("{0}_30.5")]
    [InlineData("{0}_30_40_50")]
    [InlineData("[{0}]-[40-50]")]
    [InlineData("x{0}")]
    [InlineData("-{0}")]
    [InlineData("__{0}")]
    [InlineData("{0}x")]
    [InlineData("{0}-")]
    [InlineData("{0}_x")]
    [InlineData("{0}30")]
    [InlineData("{0}_30x")]
    [InlineData("{0}_words_30_40")]
    public void Of_OtherTimesOrMoreThanTheId_IsAnother(string pattern) => AllIds(pattern, 30, 40, RecordingName.Holds.Other);

    [Theory]
    [InlineData("abc_efghijk_300", "efghijk_300", 0, 10)] // another video's id, and its start
    [InlineData("id_ab-defghijk_30", "defghijk_30", 0, 10)]
    [InlineData("Plan a", "a", 0, 10)]
    [InlineData("v10_0_10", "v1", 0, 10)]
    [InlineData("v1_0_10", "v10", 0, 10)]
    public void Of_PartOfAnotherId_IsAnother(string name, string id, double start, double end) => Assert.Equal(RecordingName.Holds.Other, RecordingName.Of(name, id, start, end));

    [Theory]
    [InlineData("abc_000000_000010", "abc", 0, 10)]
    [InlineData("good_000000_000010", "good", 0, 10)]
    [InlineData("abcdefghi_7_30_40", "abcdefghi_7", 30, 40)]
    [InlineData("recording01_1_30", "recording01_1", 30, 40)]
    [InlineData("a_30.123_40.5", "a", 30.123, 40.5)]
    [InlineData("a_30123_40500", "a", 30.123, 40.5)]
    [InlineData("a_30_40", "a", 30.5, 40.5)] // seconds with the rest cut off
    public void Of_AnyIdAndTimes_IsTheStretch(string name, string id, double start, double end) => Assert.Equal(RecordingName.Holds.Stretch, RecordingName.Of(name, id, start, end));

    private static void AllIds(string pattern, double start, double end, RecordingName.Holds expected)
    {
        foreach (var id in new[] { "--PJHxphWEs", "-_abc123XYZ", "abcdefghijk", "0123456789_", "a-b_c-d_e-f", "abcdefghi_7", "00000000030", "______x_3_4" })
        {
            var name = pattern.Replace("{0}", id, StringComparison.Ordinal);
            Assert.Equal((name, expected), (name, RecordingName.Of(name, id, start, end)));
        }
    }
}
