namespace Xkd.Ingest.Tests;

public sealed class FfmpegLogTests
{
    [Fact]
    public void Add_ARunsLog_KeepsEachErrorOnceAndCountsAll()
    {
        var log = Log(
            "[warning] Guessed Channel Layout for Input Stream #0.1 : stereo",
            "[h264 @ 0x55d0c8] [error] concealing 120 DC, 120 AC, 120 MV errors in P frame",
            "[h264 @ 0x55d0c8] [error] concealing 120 DC, 120 AC, 120 MV errors in P frame",
            "Last message repeated 2 times",
            "[fatal] Error while opening decoder");

        Assert.Equal(3, log.ErrorCount);
        Assert.Equal(["concealing 120 DC, 120 AC, 120 MV errors in P frame", "Error while opening decoder"], log.Errors);
        Assert.False(log.SoundRestarted || log.EstimatesDuration);
    }

    [Fact]
    public void Add_MessageThatDoesNotEndItsLine_StillSeesTheNext()
    {
        // ffmpeg says "Odd rotation angle." without a line feed.
        var log = Log("[warning] Odd rotation angle.If you want to help, upload a sample of this file.[aac @ 0x7f01] [error] channel element 0.1 is not allocated");

        Assert.Equal(["channel element 0.1 is not allocated"], log.Errors);
    }

    [Fact]
    public void Add_SoundThatBeginsAnew_IsNoError()
    {
        var log = Log("[f32le @ 0x55d0] [error] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 48000 >= 44100");

        Assert.True(log.SoundRestarted);
        Assert.Equal(0, log.ErrorCount);
    }

    [Fact]
    public void Add_Estimate_IsKnown() => Assert.True(Log("[mp3 @ 0x55d0] [warning] Estimating duration from bitrate, this may be inaccurate").EstimatesDuration);

    private static FfmpegLog Log(params ReadOnlySpan<string> lines)
    {
        var log = new FfmpegLog();
        foreach (var line in lines)
        {
            log.Add(line);
        }

        return log;
    }
}
