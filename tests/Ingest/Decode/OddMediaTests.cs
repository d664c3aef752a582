using System.Runtime.InteropServices;

namespace Xkd.Ingest.Tests;

/// <summary>What people's folders hold beside plain clips, each with the value that is right for it, in several containers and both ways of decoding.</summary>
public sealed class OddMediaTests(DecodeFixture fixture) : IClassFixture<DecodeFixture>
{
    private const string Picture = "-f lavfi -i testsrc=size=128x96:rate=25:duration=3";
    private const string Tone = "-f lavfi -i sine=frequency=440:duration=3";
    private const string NoTone = "-f lavfi -i sine=frequency=880:duration=3,atrim=end=0";
    private const string NoPicture = "-f lavfi -i testsrc=size=128x96:rate=25:duration=3,trim=end=0";
    private const string Mp4Codecs = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
    private readonly MediaMaker _media = fixture.Media;

    public static TheoryData<string, string> AnyContainer { get; } = new()
    {
        { "mp4", Mp4Codecs }, { "mkv", Mp4Codecs }, { "flv", Mp4Codecs }, { "ts", Mp4Codecs }, { "webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus" },
    };

    [Theory]
    [MemberData(nameof(AnyContainer))]
    public async Task DecodeAsync_SoundWithoutAPacket_IsNoSound(string container, string codecs)
    {
        using var media = await DecodedAsync(_media.Make($"{Picture} {NoTone} {codecs} mute.{container}"));

        Assert.InRange(media.NumFrames, 24, 25);
        Assert.Equal(0, media.NumSamples);
    }

    [Theory]
    [InlineData("mp4", Mp4Codecs)]
    [InlineData("mkv", Mp4Codecs)]
    public async Task DecodeAsync_PictureWithoutAPacket_IsNoPicture(string container, string codecs)
    {
        using var media = await DecodedAsync(_media.Make($"{NoPicture} {Tone} {codecs} blind.{container}"));

        Assert.Equal(0, media.NumFrames);
        Assert.InRange(media.NumSamples, 47500, 49000);
    }

    [Theory]
    [InlineData("mp4", Mp4Codecs)]
    [InlineData("mkv", Mp4Codecs)]
    [InlineData("ts", Mp4Codecs)]
    public async Task DecodeAsync_FirstSoundTrackEmpty_TakesTheSecond(string container, string codecs)
    {
        using var media = await DecodedAsync(_media.Make($"{Picture} {NoTone} {Tone} {codecs} -map 0 -map 1 -map 2 second.{container}"));

        Assert.InRange(media.NumSamples, 47500, 49700);
        Assert.Equal(440, Frequency(media), 5.0);
    }

    [Theory]
    [InlineData("mp4")]
    [InlineData("mkv")]
    [InlineData("flv")]
    [InlineData("ts")]
    public async Task DecodeAsync_TwoPicturesBesideLongerSound_AreTwoSeconds(string container)
    {
        using var media = await DecodedAsync(_media.Make($"-f lavfi -i testsrc=size=128x96:rate=1:duration=2 -f lavfi -i sine=duration=10 {Mp4Codecs} slides.{container}"));

        Assert.InRange(media.NumFrames, 9, 17); // the last picture lasts as long as its container says, or not at all
        Assert.InRange(media.NumSamples, 159_000, 161_500);
    }

    /// <summary>Plain WAV files say how many channels there are, and not which places they are for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(64)]
    public async Task DecodeAsync_ChannelsWithoutPlaces_CountTheSame(int channels)
    {
        // A constant in one channel, another one each time: 1/n of it comes out.
        foreach (var loud in new[] { channels / 2, channels - 1 }.Distinct())
        {
            var path = _media[$"{channels}-{loud}.wav"];
            WriteWave(path, channels, loud, level: 16384);
            using var media = await DecodedAsync(path, Modalities.Audio);
            var samples = Samples(media);

            Assert.Equal(16000, samples.Length);
            Assert.Equal(0.5 / channels, samples[8000], 1e-5);
        }
    }

    /// <summary>Where places are declared they are mixed as swresample does: the centre more than the sides, the bass not at all.</summary>
    [Theory]
    [InlineData("5.1.wav", "pcm_s16le")]
    [InlineData("5.1.flac", "flac")]
    [InlineData("5.1.mkv", "flac")]
    public async Task DecodeAsync_DeclaredPlaces_AreMixedByThem(string name, string codec)
    {
        double[] gains = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(async loud =>
        {
            var level = string.Join('|', Enumerable.Range(0, 6).Select(channel => channel == loud ? "0.5" : "0"));
            using var media = await DecodedAsync(_media.Make($"-f lavfi -i aevalsrc='{level}':channel_layout=5.1:sample_rate=16000:duration=1 -c:a {codec} {loud}-{name}"), Modalities.Audio);
            return Samples(media)[8000] / 0.5;
        }))];

        double[] weights = [Math.Sqrt(0.5), Math.Sqrt(0.5), 1, 0, 0.5, 0.5]; // front, front, centre, bass, back, back
        Assert.All(gains.Zip(weights), pair => Assert.Equal(pair.Second / weights.Sum(), pair.First, 1e-3));
    }

    [Theory]
    [InlineData("hls.mp4", "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:4.5,\nfile://{0}\n#EXT-X-ENDLIST\n")]
    [InlineData("hls.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4.5,\nreal.mp4\n#EXT-X-ENDLIST\n")]
    [InlineData("concat.mp4", "ffconcat version 1.0\nfile 'real.mp4'\n")]
    [InlineData("concat.ffconcat", "ffconcat version 1.0\nfile 'real.mp4'\n")]
    [InlineData("dash.mpd", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT5S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period duration=\"PT5S\"><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"v\" bandwidth=\"1000\" width=\"128\" height=\"128\"><BaseURL>file://{0}</BaseURL></Representation></AdaptationSet></Period></MPD>")]
    [InlineData("session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n")]
    [InlineData("readme.txt", "A description of this class, left by a downloader.\n")]
    [InlineData("readme.nfo", "A description of this class, left by a downloader.\n")]
    [InlineData("art.ans", "\u001b[31mletters\n")]
    [InlineData("words.srt", "1\n00:00:00,000 --> 00:00:02,000\nwords\n")]
    [InlineData("words.vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\nwords\n")]
    [InlineData("noise.al", "0123456789012345678901234567890123456789")]
    public async Task DecodeAsync_TextOfAnyKind_IsNotMedia(string name, string text)
    {
        var real = _media.Make($"{Picture} {Tone} {Mp4Codecs} real.mp4");
        File.WriteAllText(_media[name], text.Replace("{0}", real, StringComparison.Ordinal) + string.Concat(Enumerable.Repeat("more words\n", text.StartsWith('#') || text.StartsWith('<') ? 0 : 200)));
        foreach (var modalities in new[] { Modalities.AudioVideo, Modalities.Audio })
        {
            await FailsAsync(_media[name], new DecodeOptions { Modalities = modalities }, "probe", "not-media");
        }
    }

    [Theory]
    [InlineData("%03d.png")]
    [InlineData("still.png")]
    [InlineData("still.jpg")]
    [InlineData("still.bmp")]
    public async Task DecodeAsync_Image_IsNotMedia(string name)
    {
        _media.Make("-f lavfi -i testsrc=size=64x64:rate=1:duration=3 %03d.png");
        if (!name.Contains('%', StringComparison.Ordinal))
        {
            _media.Make($"-f lavfi -i testsrc=size=64x64 -frames:v 1 {name}");
        }
        else
        {
            File.Copy(_media["001.png"], _media[name], overwrite: true);
        }

        await FailsAsync(_media[name], new DecodeOptions { Modalities = Modalities.Video }, "probe", "not-media");
    }

    [Theory]
    [InlineData(0, 149, 112)]
    [InlineData(1, 149, 112)]
    [InlineData(45, 149, 112)]
    [InlineData(-10, 149, 112)]
    [InlineData(90, 112, 149)]
    [InlineData(180, 149, 112)]
    [InlineData(-90, 112, 149)]
    public async Task DecodeAsync_TurnedByAnyAngle_ComesOutWhole(int degrees, int width, int height)
    {
        _media.Turn(_media.Make($"{Picture} {Tone} {Mp4Codecs} flat.mp4"), "turned.mp4", degrees);
        using var media = await DecodedAsync(_media["turned.mp4"]);

        Assert.Equal((width, height, 24), (media.Width, media.Height, media.NumFrames));
    }

    [Theory]
    [InlineData("4000x2", "libx264 -preset ultrafast", "--max-aspect")]
    [InlineData("2x4000", "ffv1", "--max-aspect")]
    [InlineData("8000x8000", "mpeg4", "--max-pixels")]
    public async Task DecodeAsync_PictureBeyondALimit_IsTooLargeByName(string size, string codec, string option)
    {
        var path = _media.Make($"-f lavfi -i color=red:size={size}:rate=8 {Tone} -frames:v 2 -c:v {codec} -pix_fmt yuv420p -c:a aac large.mkv");
        var failure = await FailsAsync(path, new DecodeOptions(), "probe", "too-large");

        Assert.Contains(size, failure, StringComparison.Ordinal);
        Assert.Contains(option, failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("long.mp4", "probe")] // it says how long it is
    [InlineData("live.mkv", "decode")] // it does not: what comes out is counted
    public async Task DecodeAsync_MoreThanASourceMayHave_IsTooLarge(string name, string stage)
    {
        var path = _media.Make($"{Picture} {Tone} {Mp4Codecs} {(name == "live.mkv" ? "-f matroska -live 1 -seekable 0" : "")} {name}");
        var options = new DecodeOptions { MaxDecoded = 500_000 };
        var alone = await new MediaDecoder(_media.Tools, options, TimeProvider.System).DecodeAsync(Item(path), TestContext.Current.CancellationToken);

        Assert.Equal((stage, "too-large"), (alone.Failure?.Stage, alone.Failure?.Reason));
        Assert.Contains("--max-decoded", alone.Failure!.Detail, StringComparison.Ordinal);

        await using var pool = new DecoderPool(_media.Tools, options, TimeProvider.System);
        await pool.TryAsync(TestContext.Current.CancellationToken);
        Libraries.Require(pool);
        await FailsAsync(path, options, "decode", "too-large");
    }

    [Theory]
    [InlineData(Modalities.Audio)]
    [InlineData(Modalities.AudioVideo)]
    public async Task DecodeAsync_SoundThatChangesItsRate_IsAllThere(Modalities modalities)
    {
        byte[] joined = [.. File.ReadAllBytes(_media.Make("-f lavfi -i sine=440:duration=3:sample_rate=44100 -c:a libmp3lame a.mp3")), .. File.ReadAllBytes(_media.Make("-f lavfi -i sine=440:duration=3:sample_rate=48000 -c:a libmp3lame b.mp3"))];
        File.WriteAllBytes(_media["joined.mp3"], joined);
        using var media = await DecodedAsync(_media["joined.mp3"], modalities);

        Assert.Equal(0, media.NumFrames);
        Assert.InRange(media.NumSamples, 95_000, 98_500);
        Assert.Equal(440, Frequency(media), 5.0);
    }

    /// <summary>A file called as its video is: the whole, or the listed stretch already cut out. Some declare no length, or one that ffmpeg guesses from the bit rate.</summary>
    [Theory]
    [InlineData("cut.aac", 10, "-c:a aac", false)]
    [InlineData("whole.aac", 40, "-c:a aac", true)]
    [InlineData("cut.flac", 10, "-c:a flac", false)]
    [InlineData("whole.flac", 40, "-c:a flac", true)]
    [InlineData("cut.mp3", 10, "-c:a libmp3lame -q:a 4 -write_xing 0", false)]
    [InlineData("whole.mp3", 40, "-c:a libmp3lame -q:a 4 -write_xing 0", true)]
    [InlineData("cut.webm", 10, "-c:a libopus -f webm -live 1 -seekable 0", false)]
    [InlineData("whole.webm", 40, "-c:a libopus -f webm -live 1 -seekable 0", true)]
    public async Task ResolveAsync_LengthNotDeclared_IsMeasured(string name, int seconds, string codec, bool whole)
    {
        // Half of it silent: a bit rate guessed from its beginning is far off.
        var path = _media.Make($"-f lavfi -i aevalsrc='if(lt(t\\,{seconds / 4})\\,random(0)-0.5\\,0)':duration={seconds}:sample_rate=44100 {codec} {name}");
        var item = new SourceItem { Id = "v", Path = path, Start = 30, End = 40, MayBeCut = true };
        var (resolved, failure) = await new StretchProbe(_media.Tools, TimeSpan.FromMinutes(2), TimeProvider.System).ResolveAsync(item, TestContext.Current.CancellationToken);

        Assert.Null(failure);
        Assert.Equal(whole ? 30.0 : null, resolved.Start);
    }

    private static float[] Samples(DecodedMedia media) => MemoryMarshal.Cast<byte, float>(media.Samples.Read(0, (int)media.Samples.Length).Span).ToArray();

    // Of a tone: half of its crossings of zero in the second that begins at 1 s.
    private static double Frequency(DecodedMedia media)
    {
        var second = Samples(media).AsSpan(16000, 16000);
        var crossings = 0;
        for (var i = 1; i < second.Length; i++)
        {
            crossings += second[i - 1] < 0 != second[i] < 0 ? 1 : 0;
        }

        return crossings / 2.0;
    }

    private static void WriteWave(string path, int channels, int loud, short level)
    {
        const int Rate = 16000;
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write("RIFF"u8);
        writer.Write(36 + (Rate * channels * 2));
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1);
        writer.Write((short)channels);
        writer.Write(Rate);
        writer.Write(Rate * channels * 2);
        writer.Write((short)(channels * 2));
        writer.Write((short)16);
        writer.Write("data"u8);
        writer.Write(Rate * channels * 2);
        for (var i = 0; i < Rate * channels; i++)
        {
            writer.Write(i % channels == loud ? level : (short)0);
        }
    }

    private async Task<DecodedMedia> DecodedAsync(string path, Modalities modalities = Modalities.AudioVideo)
    {
        await using var paths = new DecodePaths(_media.Tools, new DecodeOptions { Modalities = modalities });
        return (await paths.DecodeAsync(path)).Media;
    }

    // Both ways: what the libraries do not refuse by themselves fails no less.
    private async Task<string> FailsAsync(string path, DecodeOptions options, string stage, string reason)
    {
        await using var pool = new DecoderPool(_media.Tools, options, TimeProvider.System);
        var outcome = await new MediaDecoder(_media.Tools, options, TimeProvider.System, pool).DecodeAsync(Item(path), TestContext.Current.CancellationToken);
        Assert.True(outcome.Failure is not null, "it was decoded");
        Assert.Equal((stage, reason), (outcome.Failure.Stage, outcome.Failure.Reason));
        return outcome.Failure.Detail;
    }

    private static SourceItem Item(string path) => new() { Id = Path.GetFileName(path), Path = path };
}
