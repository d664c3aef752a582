using System.Globalization;
using System.Runtime.InteropServices;

namespace Xkd.Ingest.Tests;

/// <summary>How many frames and samples come of what: the numbers follow from the source and are met exactly, in every way of decoding.</summary>
public sealed class ExactCountsTests(DecodeFixture fixture) : IClassFixture<DecodeFixture>
{
    private const string H264 = "-c:v libx264 -preset ultrafast -c:a aac";
    private readonly MediaMaker _media = fixture.Media;
    private readonly DecodePaths _paths = fixture.Both;

    [Theory]
    [InlineData(8000)]
    [InlineData(11025)]
    [InlineData(96000)]
    public async Task DecodeAsync_SampleRate_GivesSixteenThousandASecond(int rate)
    {
        var path = _media.Make(string.Create(CultureInfo.InvariantCulture, $"-f lavfi -i sine=frequency=440:sample_rate={rate}:duration=1.5 a.wav"));
        using var media = await SoundAsync(path);

        Assert.Equal(24000, media.NumSamples, 1.0);
        Assert.InRange(Level(media), 0.08, 0.09); // ffmpeg's sine has an amplitude of 1/8: 0.125 / √2
    }

    [Theory]
    [InlineData("stereo", 2)]
    [InlineData("5.1", 6)]
    [InlineData("7.1", 8)]
    public async Task DecodeAsync_SameToneInEveryChannel_IsThatTone(string layout, int channels)
    {
        var tones = string.Join('|', Enumerable.Repeat("0.5*sin(2*PI*440*t)", channels));
        using var media = await SoundAsync(_media.Make($"-f lavfi -i aevalsrc='{tones}':c={layout}:s=16000:d=1 a.wav"));

        Assert.Equal(16000, media.NumSamples);
        Assert.Equal(0.5 / Math.Sqrt(2), Level(media), 0.002);
    }

    [Fact]
    public async Task DecodeAsync_LeftChannelAlone_IsTheMeanOfBoth()
    {
        using var media = await SoundAsync(_media.Make("-f lavfi -i aevalsrc='0.5*sin(2*PI*440*t)|0':s=16000:d=1 left.wav"));

        Assert.Equal(0.25 / Math.Sqrt(2), Level(media), 0.002);
    }

    [Theory]
    [InlineData("a.mp3", "-c:a libmp3lame", 1.5 * 16000)] // the encoder's delay is declared, and cut
    [InlineData("a.opus", "-c:a libopus", 1.5 * 16000)] // so is what it skips
    [InlineData("a.m4a", "-c:a aac", 65 * 1024 * 16000 / 44100.0)] // 66,150 samples are 65 packets of 1,024; the one before them is cut
    [InlineData("a.ac3", "-c:a ac3", 44 * 1536 * 16000 / 44100.0)] // whole packets of 1,536 with 256 ahead: 66,406
    public async Task DecodeAsync_Codec_GivesWhatItsPacketsHold(string name, string codec, double samples)
    {
        using var media = await SoundAsync(_media.Make($"-f lavfi -i sine=frequency=440:sample_rate=44100:duration=1.5 {codec} {name}"));

        AssertPackets(samples, seconds: 1.5, media.NumSamples);
    }

    [Theory]
    [InlineData("24000/1001", 25)] // 72 frames last 3.003 s, and one is on screen at 3 s
    [InlineData("30000/1001", 25)]
    [InlineData("60", 24)]
    public async Task DecodeAsync_FrameRate_GivesEightASecond(string rate, int frames)
    {
        var (media, byLibraries) = await _paths.DecodeAsync(_media.Make($"-f lavfi -i testsrc2=size=64x48:rate={rate}:duration=3 -f lavfi -i sine=duration=3 {H264} a.mp4"));
        using var held = media;

        _paths.AssertByLibraries(true, byLibraries);
        Assert.Equal(frames, media.NumFrames);

        // 132,300 samples are 130 packets of 1,024.
        AssertPackets(130 * 1024 * 16000 / 44100.0, seconds: 3, media.NumSamples);
    }

    [Theory]
    [InlineData("size=151x113", "", 149, 112)] // 149.66, floored
    [InlineData("size=113x151", "", 112, 149)]
    [InlineData("size=64x48", ",setsar=16/11", 149, 112)] // pixels as stored: what they were wide for is not made up for, as in the released loader
    [InlineData("size=16x300", "", 112, 2100)]
    public async Task DecodeAsync_Size_HasItsShortSide(string size, string then, int width, int height)
    {
        var (media, _) = await _paths.DecodeAsync(_media.Make($"-f lavfi -i testsrc=rate=24:duration=1:{size}{then} -f lavfi -i sine=duration=1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p -c:a aac a.mp4"));
        using var held = media;

        Assert.Equal((width, height, 8), (media.Width, media.Height, media.NumFrames));
    }

    [Theory]
    [InlineData("yuv420p", "-color_range tv")]
    [InlineData("yuvj420p", "-color_range pc")]
    [InlineData("yuv420p10le", "-color_range tv")]
    public async Task DecodeAsync_PixelFormat_KeepsGrayWhereItWas(string format, string range)
    {
        var (media, byLibraries) = await _paths.DecodeAsync(_media.Make($"-f lavfi -i color=0xC0C0C0:size=64x48:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -qp 1 -pix_fmt {format} {range} -c:a aac a.mp4"));
        using var held = media;

        _paths.AssertByLibraries(true, byLibraries);
        Assert.All(media.Frames.Read(0, media.FrameBytes).ToArray(), static value => Assert.InRange(value, 190, 194));
    }

    [Fact]
    public async Task DecodeAsync_CoverBesideAFilm_IsPassedOver()
    {
        _media.Make("-f lavfi -i testsrc2=size=640x480:duration=1 -frames:v 1 cover.png");
        _media.Clip("film.mp4");
        var (media, _) = await _paths.DecodeAsync(_media.Make("-i film.mp4 -i cover.png -map 0 -map 1 -c copy -disposition:v:1 attached_pic both.mp4"));
        using var held = media;

        Assert.Equal(16, media.NumFrames);
        Assert.Empty(media.Warnings);
    }

    [Fact]
    public async Task DecodeAsync_AttachmentsAndSubtitles_ArePassedOver()
    {
        File.WriteAllText(_media["font.ttf"], "no font");
        File.WriteAllText(_media["words.srt"], "1\n00:00:00,100 --> 00:00:01,000\nWords.\n");
        _media.Clip("film.mp4");
        var (media, byLibraries) = await _paths.DecodeAsync(_media.Make("-i film.mp4 -i words.srt -map 0 -map 1 -c copy -attach font.ttf -metadata:s:t mimetype=application/x-truetype-font more.mkv"));
        using var held = media;

        _paths.AssertByLibraries(true, byLibraries);
        Assert.InRange(media.NumFrames, 16, 17); // Matroska counts milliseconds: the last frame may end after 2 s
    }

    [Fact]
    public async Task DecodeAsync_StillPicture_IsNoFilm()
    {
        var path = _media.Make("-f lavfi -i testsrc2=size=64x64:duration=1 -frames:v 1 still.png");
        var outcome = await Decoder(Modalities.Video).DecodeAsync(Item(path), TestContext.Current.CancellationToken);

        Assert.Equal("not-media", outcome.Failure?.Reason);
    }

    [Fact]
    public async Task DecodeAsync_Animation_PlaysItsDelays()
    {
        var path = _media.Make("-f lavfi -i testsrc2=size=64x64:rate=10:duration=3 moving.gif");
        using var media = (await Decoder(Modalities.Video).DecodeAsync(Item(path), TestContext.Current.CancellationToken)).Media!;

        Assert.Equal(24, media.NumFrames);
    }

    [Fact]
    public async Task DecodeAsync_SlideShow_RepeatsEachFrameUntilTheNext()
    {
        // One frame every two seconds, the last one's duration declared.
        var (media, _) = await _paths.DecodeAsync(_media.Make($"-f lavfi -i testsrc2=size=64x48:rate=0.5:duration=6 -f lavfi -i sine=duration=6 {H264} slides.mp4"));
        using var held = media;

        Assert.Equal(48, media.NumFrames);
        Assert.True(media.Frames.Read(16L * media.FrameBytes, media.FrameBytes).Span.SequenceEqual(media.Frames.Read(31L * media.FrameBytes, media.FrameBytes).Span));
        Assert.False(media.Frames.Read(15L * media.FrameBytes, media.FrameBytes).Span.SequenceEqual(media.Frames.Read(16L * media.FrameBytes, media.FrameBytes).Span));
    }

    [Theory]
    [InlineData("a.aac", "-c:a aac -q:a 2")]
    [InlineData("a.mp3", "-c:a libmp3lame -q:a 2 -write_xing 0")]
    public async Task DecodeAsync_DurationGuessedFromTheBitRate_IsNotBelieved(string name, string codec)
    {
        // Silence for 10 s, then noise: what its first packets' bit rate makes of the length is several times too much.
        var path = _media.Make($"-f lavfi -i aevalsrc='if(lt(t,10),0,0.5*random(0))':s=44100:d=20 {codec} {name}");
        var (media, _) = await _paths.DecodeAsync(path);
        using var held = media;

        Assert.InRange(media.NumSamples, 20 * 16000, 20.05 * 16000);
        Assert.Contains(media.Warnings, static warning => warning.Contains("its duration is an estimate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DecodeAsync_SeveralSounds_TakesTheOneWithMoreInIt()
    {
        var path = _media.Make(
            "-f lavfi -i testsrc2=size=64x48:rate=12:duration=2 -f lavfi -i sine=sample_rate=8000:duration=2 -f lavfi -i sine=sample_rate=48000:duration=2 -map 0 -map 1 -map 2 -disposition:a default -c:v mpeg4 -c:a flac a.mkv");
        var (media, _) = await _paths.DecodeAsync(path);
        using var held = media;

        Assert.Contains("2 audio streams (1, 2): stream 2 was taken", Assert.Single(media.Warnings), StringComparison.Ordinal);
        Assert.Equal((16, 32000L), (media.NumFrames, media.NumSamples));
    }

    /// <summary>The clips that come with the project.</summary>
    [Theory]
    [InlineData("bbb_short_2s.mp4", 18, 35499, 2.2)] // 53 frames at 24 a second; 2.2187 s of sound
    [InlineData("bbb_silent_no_audio_stream.mp4", 48, 0)] // 6 s
    [InlineData("bbb_xvid.avi", 81, 160496)] // 240 frames at 24, late by the one that B-frames put off; 384 packets of 1,152 samples at 44.1 kHz
    [InlineData("nasa_13013.mp4", 105, 208896)] // 390 frames at 29.97: 13.013 s; 204 packets of 1,024 at 16 kHz
    public async Task DecodeAsync_Sample_GivesItsFramesAndSamples(string name, int frames, long samples, double? seconds = null)
    {
        var (media, _) = await _paths.DecodeAsync(Sample(name));
        using var held = media;

        Assert.Equal(frames, media.NumFrames);
        AssertPackets(samples, seconds ?? samples / 16000.0, media.NumSamples);
    }

    // What the last packet holds beyond the end that MP4's edit list declares is cut by newer versions of FFmpeg.
    private static void AssertPackets(double samples, double seconds, long found) =>
        Assert.True(Math.Abs(found - samples) <= 1 || Math.Abs(found - (seconds * 16000)) <= 1, $"{found} samples are neither {samples} nor {seconds} s");

    private static string Sample(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "XKD.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests run outside the repository");
        }

        return Path.Combine(folder.FullName, "tools", "xkd", "samples", name);
    }

    private static double Level(DecodedMedia media)
    {
        var samples = MemoryMarshal.Cast<byte, float>(media.Samples.Read(0, checked((int)media.Samples.Length)).Span);
        return Math.Sqrt(samples.ToArray().Average(static sample => (double)sample * sample));
    }

    private async Task<DecodedMedia> SoundAsync(string path) => (await fixture.Sound.DecodeAsync(path)).Media;

    private MediaDecoder Decoder(Modalities modalities) => new(_media.Tools, new DecodeOptions { Modalities = modalities }, TimeProvider.System);

    private static SourceItem Item(string path) => new() { Id = Path.GetFileName(path), Path = path };
}
