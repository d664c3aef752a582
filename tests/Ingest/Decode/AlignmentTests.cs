using System.Runtime.InteropServices;

namespace Xkd.Ingest.Tests;

/// <summary>A white flash and a beep at the same instant stay within one cached frame of each other, whatever the timestamps look like.</summary>
public sealed class AlignmentTests : IDisposable
{
    private const string Flash = "-f lavfi -i color=black:size=64x48:rate=25:duration=5,drawbox=color=white:t=fill:enable='between(t,2,2.5)'";
    private const string Beep = "-f lavfi -i sine=frequency=1000:sample_rate=44100:duration=5,volume=0:enable='not(between(t,2,2.5))'";
    private const string Codecs = "-map 0 -map 1 -c:v mpeg4 -q:v 3 -c:a aac";
    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Theory]
    [InlineData("constant.mp4", Flash + " " + Beep + " " + Codecs)]
    [InlineData("late.mkv", Flash + " " + Beep + " " + Codecs + " -output_ts_offset 7.3")]
    [InlineData("late.ts", Flash + " " + Beep + " -map 0 -map 1 -c:v mpeg2video -q:v 3 -c:a mp2 -output_ts_offset 100")]
    [InlineData("late-video.mkv", "-itsoffset 1.37 " + Flash + " -itsoffset 1.37 " + Beep + " " + Codecs)]
    [InlineData("variable.mkv", Flash + ",select='lt(mod(n\\,10)\\,4)' " + Beep + " -vsync vfr " + Codecs)]
    [InlineData("variable-late.mkv", Flash + ",select='lt(mod(n\\,7)\\,3)' " + Beep + " -vsync vfr " + Codecs + " -output_ts_offset 3.21")]
    public async Task DecodeAsync_FlashAndBeep_StayTogether(string name, string arguments)
    {
        var (flash, beep) = await MeasureAsync(_media.Make($"{arguments} {name}"));

        Assert.InRange(flash - beep, -0.125, 0.125);
    }

    [Fact]
    public async Task DecodeAsync_VideoBeginsAfterAudio_IsLedByItsFirstFrame()
    {
        // The film begins 1 s after the sound, which is cut so that both events come at 3 s.
        var (flash, beep) = await MeasureAsync(_media.Make($"-itsoffset 1 {Flash} {Beep.Replace("2,2.5", "3,3.5", StringComparison.Ordinal)} {Codecs} gap.mkv"));

        Assert.InRange(beep, 2.9, 3.1);
        Assert.InRange(flash, 2.875, 3.125);
    }

    [Fact]
    public async Task DecodeAsync_AudioBeginsAfterVideo_IsLedBySilence()
    {
        var (flash, beep) = await MeasureAsync(_media.Make($"{Flash.Replace("2,2.5", "3,3.5", StringComparison.Ordinal)} -itsoffset 1 {Beep} {Codecs} gap.mkv"));

        Assert.InRange(beep, 2.9, 3.1);
        Assert.InRange(flash, 2.875, 3.125);
    }

    [Fact]
    public async Task DecodeAsync_BeepShiftedByAThirdOfASecond_IsMeasured()
    {
        var (flash, beep) = await MeasureAsync(_media.Make($"{Flash} {Beep.Replace("2,2.5", "2.33,2.8", StringComparison.Ordinal)} {Codecs} fault.mp4"));

        Assert.InRange(beep - flash, 0.2, 0.46);
    }

    private async Task<(double Flash, double Beep)> MeasureAsync(string path)
    {
        var outcome = await new MediaDecoder(_media.Tools, new DecodeOptions(), TimeProvider.System)
            .DecodeAsync(new SourceItem { Id = "a", Path = path }, TestContext.Current.CancellationToken);
        Assert.True(outcome.Media is not null, outcome.Failure?.ToString());
        using var media = outcome.Media;
        var frame = Enumerable.Range(0, media.NumFrames).First(n => media.Frames.Read((long)n * media.FrameBytes, 1).Span[0] > 127);
        var samples = MemoryMarshal.Cast<byte, float>(media.Samples.Read(0, (int)media.Samples.Length).Span).ToArray();
        return (frame / 8.0, Array.FindIndex(samples, static sample => Math.Abs(sample) > 0.05f) / 16000.0);
    }
}
