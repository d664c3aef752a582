namespace Xkd.Ingest.Tests;

public sealed class FfmpegLogTests
{
    [Fact]
    public void Add_ARunsLog_FindsStreamsSizeDurationAndErrors()
    {
        var log = new FfmpegLog();
        foreach (var line in new[]
        {
            "[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'a.mp4':",
            "[info]   Duration: 00:01:16.57, start: 0.000000, bitrate: 324 kb/s",
            "[info]   Stream #0:0[0x1](eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps (default)",
            "[info]   Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 8000 Hz, stereo, fltp, 72 kb/s (default)",
            "[info]   Stream #0:2: Video: png, rgba(pc), 64x64, 90k tbr, 90k tbn (attached pic)",
            "[info] Stream mapping:",
            "[info]   Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))",
            "[info]   Stream #0:1 -> #1:0 (aac (native) -> pcm_f32le (native))",
            "[h264 @ 0x55d0c8] [error] concealing 120 DC, 120 AC, 120 MV errors in P frame",
            "[info] Output #0, rawvideo, to 'pipe:97':",
            "[info]   Stream #0:0: Video: rawvideo (RGB[24] / 0x18424752), rgb24(pc, gbr/unknown/unknown, progressive), 198x112 [SAR 1:1 DAR 16:9], 8 fps, 8 tbn",
        })
        {
            log.Add(line);
        }

        var input = log.Input;
        Assert.Equal(76.57, input.Duration!.Value, 6);
        Assert.Equal(3, input.Streams.Count);
        Assert.True(input.Streams[2].AttachedPicture);
        Assert.Equal((0, 1), (input.VideoUsed!.Index, input.AudioUsed!.Index));
        Assert.Equal((198, 112), input.FrameSize);
        Assert.Equal(1, input.ErrorCount);
        Assert.False(input.Reconfigured);
    }

    [Fact]
    public void Add_MatroskaThatBeginsLate_CountsFromItsBeginning()
    {
        var log = new FfmpegLog();
        log.Add("[info] Input #0, matroska,webm, from 'a.mkv':");
        log.Add("[info]   Duration: 00:00:12.30, start: 7.300000, bitrate: 324 kb/s");

        Assert.Equal(5, log.Input.Duration!.Value, 6);
    }

    [Theory]
    [InlineData("2472222222:13:20.00")]
    [InlineData("99999999999999999999:00:00.00")]
    [InlineData("600000:00:00.00")] // its seconds fill no integer
    public void Add_AbsurdDuration_IsUnknown(string duration)
    {
        var log = new FfmpegLog();
        log.Add("[info] Input #0, matroska,webm, from 'a.mkv':");
        log.Add($"[info]   Duration: {duration}, start: 0.000000, bitrate: 0 kb/s");

        Assert.Null(log.Input.Duration);
    }

    [Fact]
    public void Add_UnknownDuration_StaysUnknown()
    {
        var log = new FfmpegLog();
        log.Add("[info]   Duration: N/A, start: 0.000000, bitrate: N/A");

        Assert.Null(log.Input.Duration);
    }
}
