using System.Globalization;

namespace Xkd.Ingest.Tests;

/// <summary>
/// Cached frame n is the source frame on screen at n / fps: the last that does not begin after it. Every source frame bears its number as eight bars, black or
/// white, so that the frame that came out is known, and with it when it began.
/// </summary>
public sealed class OnScreenTests(DecodeFixture fixture) : IClassFixture<DecodeFixture>
{
    private const double Fps = 8;
    private const int Bars = 8;
    private const int Seconds = 4;
    private const string Encoded = "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 0 -g 30 -c:a aac";
    private readonly MediaMaker _media = fixture.Media;

    [Theory]
    [InlineData("12")]
    [InlineData("24")]
    [InlineData("25")]
    [InlineData("30000/1001")]
    [InlineData("30")]
    [InlineData("50")]
    [InlineData("60")]
    public async Task DecodeAsync_ConstantRate_ShowsTheFrameOnScreen(string rate)
    {
        var (media, byLibraries) = await fixture.Both.DecodeAsync(_media.Make($"{Numbered(rate)} {Encoded} a.mp4"));
        using var held = media;

        AssertOnScreen(media, n => n / Value(rate), start: 0);
        fixture.Both.AssertByLibraries(true, byLibraries);
    }

    [Fact]
    public async Task DecodeAsync_VariableRate_ShowsTheFrameOnScreen()
    {
        int[] kept = [.. Enumerable.Range(0, 100).Where(static n => n % 10 < 4 || n % 10 == 8)];
        var (media, byLibraries) = await fixture.Both.DecodeAsync(
            _media.Make($"{Numbered("25", ",select='lt(mod(n\\,10)\\,4)+eq(mod(n\\,10)\\,8)'")} -fps_mode vfr {Encoded} variable.mp4"));
        using var held = media;

        AssertOnScreen(media, static n => n / 25.0, start: 0, kept);
        fixture.Both.AssertByLibraries(true, byLibraries);
    }

    [Theory]
    [InlineData("25", 1.29, 3.1)] // the frame on screen began at 1.28
    [InlineData("12", 0.3, 2.05)]
    [InlineData("30000/1001", 2.3, 3.3)]
    public async Task DecodeAsync_Stretch_BeginsWithTheFrameOnScreen(string rate, double start, double end)
    {
        var path = _media.Make($"{Numbered(rate)} {Encoded} stretch.mp4");
        var (media, _) = await fixture.Both.DecodeAsync(new SourceItem { Id = "s", Path = path, Start = start, End = end });
        using var held = media;

        Assert.Equal((int)Math.Ceiling((end - start) * Fps), media.NumFrames);
        AssertOnScreen(media, n => n / Value(rate), start);
    }

    /// <summary>They hold no presentation times: as decoded, a picture bears the time of the packet that let it out, one or two frames late.</summary>
    [Theory]
    [InlineData("b.avi", "-c:v libx264 -preset ultrafast -bf 3 -c:a pcm_s16le")]
    [InlineData("b4.avi", "-c:v mpeg4 -q 2 -bf 2 -c:a pcm_s16le")]
    [InlineData("plain.avi", "-c:v mpeg4 -q 2 -c:a pcm_s16le")]
    public async Task DecodeAsync_NoPresentationTimes_ShowsTheFrameOnScreen(string name, string codecs)
    {
        var (media, _) = await fixture.Both.DecodeAsync(_media.Make($"{Numbered("25")} -map 0 -map 1 {codecs} {name}"));
        using var held = media;

        Assert.InRange(media.NumFrames, (Seconds * Fps) - 1, (Seconds * Fps) + 1);
        AssertOnScreen(media, static n => n / 25.0, start: 0);
    }

    /// <summary>Seeking leads to the key frame after the stretch in some of them, and is not to be trusted in others.</summary>
    [Theory]
    [InlineData("s.flv", "-map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a pcm_s16le")]
    [InlineData("s.avi", "-map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a pcm_s16le")]
    [InlineData("s.ts", "-c:v libx264 -preset ultrafast -bf 3 -g 50")]
    [InlineData("s.mpg", "-c:v mpeg2video -q 2 -bf 2 -g 50")]
    [InlineData("s.mkv", "-map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a pcm_s16le")]
    [InlineData("live.mkv", "-map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a pcm_s16le -f matroska -live 1 -seekable 0")] // no index
    [InlineData("fragments.mov", "-map 1 -c:v libx264 -preset ultrafast -bf 0 -g 50 -c:a pcm_s16le -movflags +frag_keyframe+empty_moov")]
    [InlineData("coarse.mov", "-map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a aac -max_interleave_delta 0")]
    public async Task DecodeAsync_StretchOfAnyContainer_HoldsItsSeconds(string name, string codecs)
    {
        var path = _media.Make($"{Numbered("25")} -map 0 {codecs} {name}");
        foreach (var (start, end) in new[] { (0, 1.5), (1.29, 3.1), (2.5, 4) })
        {
            var (media, _) = await fixture.Both.DecodeAsync(new SourceItem { Id = "s", Path = path, Start = start, End = end });
            using var held = media;

            Assert.InRange(media.NumFrames, Math.Round((end - start) * Fps) - 1, Math.Round((end - start) * Fps) + 1);
            Assert.InRange(media.NumSamples / 16000.0, codecs.Contains("-map 1", StringComparison.Ordinal) ? end - start - 0.01 : 0, end - start + 0.01);
            AssertOnScreen(media, static n => n / 25.0, start);
        }
    }

    private static void AssertOnScreen(DecodedMedia media, Func<int, double> time, double start, IReadOnlyList<int>? kept = null)
    {
        int[] shown = [.. (kept ?? [.. Enumerable.Range(0, 1 << Bars)]).Where(n => time(n) < Seconds - 1e-6)];
        Assert.True(media.NumFrames >= Fps);
        for (var frame = 0; frame < media.NumFrames; frame++)
        {
            var at = start + (frame / Fps) + 1e-6; // what doubles make of a frame that begins just then
            Assert.Equal(shown.Last(n => time(n) <= at), Number(media, frame));
        }
    }

    private static int Number(DecodedMedia media, int frame)
    {
        var row = media.Frames.Read((long)frame * media.FrameBytes, media.Width * 3).Span;
        var number = 0;
        for (var bar = 0; bar < Bars; bar++)
        {
            number |= row[((2 * bar) + 1) * media.Width / (2 * Bars) * 3] > 127 ? 1 << bar : 0;
        }

        return number;
    }

    private static string Numbered(string rate, string then = "") =>
        $"-f lavfi -i color=black:size=128x96:rate={rate}:duration={Seconds},format=yuv420p,geq=lum='255*mod(floor(N/pow(2,floor(X*{Bars}/W))),2)':cb=128:cr=128{then} -f lavfi -i sine=duration={Seconds}";

    private static double Value(string rate) => rate.Split('/') is [var above, var below]
        ? double.Parse(above, CultureInfo.InvariantCulture) / double.Parse(below, CultureInfo.InvariantCulture)
        : double.Parse(rate, CultureInfo.InvariantCulture);
}
