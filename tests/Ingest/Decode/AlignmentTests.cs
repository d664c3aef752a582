using System.Globalization;

namespace Xkd.Ingest.Tests;

/// <summary>Flashes and beeps of one instant stay within one cached frame of each other (<see cref="OnScreenTests"/> knows which frame), at a source's start, middle and end, whatever its clock is like.</summary>
public sealed class AlignmentTests(DecodeFixture fixture) : IClassFixture<DecodeFixture>
{
    private const double Frame = 0.125;

    // A frame that begins after a cached frame is first seen in the next, and decoders put sound off by up to 481 samples of 44.1 kHz.
    private const double Apart = Frame + (481 / 44100.0);
    private const string H264 = "-map 0 -map 1 -c:v libx264 -preset veryfast -bf 3 -g 25 -c:a aac";
    private const string Others = "-map 0 -map 1 -q:v 3";

    // Leaves out frames in an irregular pattern, and none that an event begins with.
    private const string Irregular = ",select='lt(mod(n\\,10)\\,4)+eq(mod(n\\,10)\\,8)'";
    private readonly MediaMaker _media = fixture.Media;
    private readonly DecodePaths _paths = fixture.Both;

    /// <summary>Name, arguments, whether the libraries decode it too.</summary>
    public static TheoryData<string, string, bool> Clocks { get; } = new()
    {
        { "film.mp4", $"{FlashAndBeep.Picture("24000/1001")} {FlashAndBeep.Sound()} {H264}", true },
        { "pal.mp4", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {H264}", true },
        { "ntsc.mkv", $"{FlashAndBeep.Picture("30000/1001")} {FlashAndBeep.Sound()} {H264}", true },
        { "variable.mp4", $"{FlashAndBeep.Picture(then: Irregular)} {FlashAndBeep.Sound()} -fps_mode vfr {H264}", true },
        { "variable-late.mkv", $"{FlashAndBeep.Picture(then: Irregular)} {FlashAndBeep.Sound()} -fps_mode vfr {H264} -output_ts_offset 7.3", true },
        { "late.ts", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {H264} -output_ts_offset 100", true },
        { "negative.mp4", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {H264} -movflags +negative_cts_offsets", true },
        { "hole.mp4", $"{FlashAndBeep.Picture(then: ",select='not(between(t\\,0.9\\,1.9))'")} {FlashAndBeep.Sound()} -fps_mode vfr {H264}", true },
        { "holes.mkv", $"{FlashAndBeep.Picture(then: ",select='not(between(t\\,0.9\\,1.9))'")} {FlashAndBeep.Sound(",aselect='not(between(t\\,1\\,1.8))'")} -fps_mode vfr {H264}", true },
        { "surround.mkv", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound(",aformat=channel_layouts=7.1")} -c:v libx264 -c:a flac", true },
        { "opus.webm", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {Others} -c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", false },
        { "mp3.avi", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {Others} -c:v mpeg4 -bf 2 -c:a libmp3lame", false },
        { "windows.wmv", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {Others} -c:v wmv2 -c:a wmav2", false },
        { "interlaced.mpg", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {Others} -c:v mpeg2video -flags +ilme+ildct -c:a mp2", false },
        { "alpha.mov", $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {Others} -c:v qtrle -pix_fmt argb -c:a pcm_s16le", false },
    };

    [Theory]
    [MemberData(nameof(Clocks))]
    public async Task DecodeAsync_AnyClock_KeepsFlashesAndBeepsTogether(string name, string arguments, bool byLibraries)
    {
        await AssertTogetherAsync(_media.Make($"{arguments} {name}"), FlashAndBeep.Events, byLibraries);
    }

    [Theory]
    [InlineData("late.mp4")] // an edit list that begins with nothing
    [InlineData("late.ts")]
    public async Task DecodeAsync_SoundBeginsLate_IsLedBySilence(string name)
    {
        var path = _media.Make($"{FlashAndBeep.Picture()} -itsoffset 1.5 {FlashAndBeep.Sound(",atrim=1.5,asetpts=PTS-STARTPTS")} {H264} {name}");
        var (flashes, beeps) = await MeasureAsync(path, byLibraries: true);

        AssertNear(FlashAndBeep.Events, flashes);
        AssertNear([.. FlashAndBeep.Events.Skip(1)], beeps);
    }

    [Theory]
    [InlineData("late.mp4")]
    [InlineData("late.mkv")]
    public async Task DecodeAsync_PictureBeginsLate_IsLedByItsFirstFrame(string name)
    {
        var path = _media.Make($"-itsoffset 1.5 {FlashAndBeep.Picture(then: ",trim=1.5,setpts=PTS-STARTPTS")} {FlashAndBeep.Sound()} {H264} {name}");
        var (flashes, beeps) = await MeasureAsync(path, byLibraries: true);

        AssertNear([.. FlashAndBeep.Events.Skip(1)], flashes);
        AssertNear(FlashAndBeep.Events, beeps);
    }

    [Fact]
    public async Task DecodeAsync_EditList_BeginsWhereItSays()
    {
        // Packets from the key frame at 1 s on, of which the edit list shows what follows 1.3 s.
        _media.Make($"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {H264} whole.mp4");
        await AssertTogetherAsync(_media.Make("-ss 1.3 -i whole.mp4 -c copy edited.mp4"), [0.7, 2.2], byLibraries: true);
    }

    [Fact]
    public async Task DecodeAsync_SoundRunsSlow_IsHeldToItsClock()
    {
        // Every packet's time comes 4 % late, the samples do not: by the end they lag 0.14 s behind their clock.
        _media.Make($"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} -map 0 -map 1 -c:v libx264 -preset veryfast -c:a pcm_s16le whole.mkv");
        var path = _media.Make("-i whole.mkv -c copy -bsf:a setts=ts=TS*1.04 slow.mkv");
        var (_, beeps) = await MeasureAsync(path, byLibraries: true);

        Assert.Equal(3, beeps.Count);
        Assert.All(beeps.Zip(FlashAndBeep.Events), static pair => Assert.InRange(pair.First - (1.04 * pair.Second), -0.0501, 0.0501));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DecodeAsync_ClockJumps_GoesOnWhereItWas(bool back)
    {
        File.WriteAllBytes(_media["jump.ts"], [.. Part(back ? 500 : 0), .. Part(back ? 0 : 500)]);
        var (media, byLibraries) = await _paths.DecodeAsync(_media["jump.ts"]);
        using var held = media;

        // The stream says 500 s, which is no declaration; the second part begins when the first one's 4 s are over.
        Assert.False(byLibraries);
        Assert.Contains(media.Warnings, static warning => warning.Contains("its duration is an estimate", StringComparison.Ordinal));
        AssertNear([.. FlashAndBeep.Events, .. FlashAndBeep.Events.Select(static at => at + 4)], FlashAndBeep.Flashes(media));
        AssertNear(FlashAndBeep.Flashes(media), FlashAndBeep.Beeps(media));

        byte[] Part(int offset) => File.ReadAllBytes(_media.Make(string.Create(
            CultureInfo.InvariantCulture, $"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} -map 0 -map 1 -c:v mpeg2video -c:a mp2 -output_ts_offset {offset} part{offset}.ts")));
    }

    [Fact]
    public async Task DecodeAsync_SoundChangesItsRateAndChannels_GoesOnWhereItWas()
    {
        // What fills a late start with silence is made anew with the change, and would fill the 4.5 s before it once more.
        byte[] whole =
        [
            .. File.ReadAllBytes(_media.Make($"{FlashAndBeep.Picture()} -itsoffset 0.5 {FlashAndBeep.Sound(",atrim=0.5,asetpts=PTS-STARTPTS")} -map 0 -map 1 -c:v mpeg2video -c:a mp2 one.ts")),
            .. File.ReadAllBytes(_media.Make($"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} -map 0 -map 1 -c:v mpeg2video -c:a mp2 -ac 2 -ar 48000 -output_ts_offset 4 two.ts")),
        ];
        File.WriteAllBytes(_media["change.ts"], whole);
        var (media, _) = await _paths.DecodeAsync(_media["change.ts"]);
        using var held = media;

        AssertNear([.. FlashAndBeep.Events, .. FlashAndBeep.Events.Select(static at => at + 4)], FlashAndBeep.Beeps(media));
        AssertNear(FlashAndBeep.Flashes(media), FlashAndBeep.Beeps(media));
        Assert.InRange(media.NumSamples, 7.95 * 16000, 8.1 * 16000);
    }

    [Theory]
    [InlineData("whole.mp4", H264, "")]
    [InlineData("whole.mkv", H264, "-output_ts_offset 7.3")]
    [InlineData("whole.ts", H264, "-output_ts_offset 100")] // no index: seeking leads past the key frame
    [InlineData("whole.avi", Others + " -c:v mpeg4 -bf 2 -c:a libmp3lame", "")]
    [InlineData("whole.webm", Others + " -c:v libvpx -deadline realtime -cpu-used 8 -g 60 -c:a libvorbis", "")]
    public async Task DecodeAsync_Stretch_BeginsWhereItSays(string name, string codecs, string offset)
    {
        var path = _media.Make($"{FlashAndBeep.Picture()} {FlashAndBeep.Sound()} {codecs} {offset} {name}");
        var (media, _) = await _paths.DecodeAsync(new SourceItem { Id = "s", Path = path, Start = 1.2, End = 3.95 });
        using var held = media;

        AssertNear([0.8, 2.3], FlashAndBeep.Flashes(media));
        AssertNear([0.8, 2.3], FlashAndBeep.Beeps(media));
        Assert.Equal(22, media.NumFrames); // 2.75 s
        Assert.InRange(media.NumSamples, 44000 - 16, 44000 + 16); // Matroska's clock has milliseconds
        Assert.Empty(media.Warnings);
    }

    [Fact]
    public async Task DecodeAsync_BeepShiftedByAThirdOfASecond_IsMeasured()
    {
        // The measure itself: a source that is wrong is seen to be.
        var path = _media.Make($"{FlashAndBeep.Picture()} -itsoffset 0.33 {FlashAndBeep.Sound()} {H264} fault.mp4");
        var (flashes, beeps) = await MeasureAsync(path, byLibraries: true);

        Assert.All(flashes.Zip(beeps), static pair => Assert.InRange(pair.Second - pair.First, 0.2, 0.46));
    }

    private async Task AssertTogetherAsync(string path, IReadOnlyList<double> events, bool byLibraries)
    {
        var (flashes, beeps) = await MeasureAsync(path, byLibraries);
        AssertNear(events, flashes);
        AssertNear(events, beeps);
        AssertNear(flashes, beeps);
    }

    private async Task<(IReadOnlyList<double> Flashes, IReadOnlyList<double> Beeps)> MeasureAsync(string path, bool byLibraries)
    {
        var (media, found) = await _paths.DecodeAsync(path);
        using var held = media;
        var (flashes, beeps) = (FlashAndBeep.Flashes(media), FlashAndBeep.Beeps(media));
        _paths.AssertByLibraries(byLibraries, found);
        return (flashes, beeps);
    }

    private static void AssertNear(IReadOnlyList<double> expected, IReadOnlyList<double> found)
    {
        Assert.True(
            expected.Count == found.Count && expected.Zip(found).All(static pair => Math.Abs(pair.First - pair.Second) <= Apart),
            $"expected {string.Join(" ", expected)}, found {string.Join(" ", found)}");
    }
}
