namespace Xkd.Ingest.Tests;

public sealed class MediaDecoderTests : IDisposable
{
    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Fact]
    public async Task DecodeAsync_H264WithAac_GivesEveryFrameAndSample()
    {
        using var media = await DecodedAsync(_media.Clip("a.mp4", size: "340x256"));

        Assert.Equal((148, 112, 16), (media.Width, media.Height, media.NumFrames));
        Assert.InRange(media.NumSamples, 31900, 33100);
        Assert.Empty(media.Warnings);
    }

    [Theory]
    [InlineData("x.avi", "-c:v mpeg4 -vtag xvid -c:a libmp3lame")]
    [InlineData("x.mkv", "-c:v mpeg4 -c:a flac")]
    [InlineData("x.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis")]
    [InlineData("x.ts", "-c:v mpeg2video -c:a mp2")]
    [InlineData("x.mp4", "-c:v libx264 -preset ultrafast -ac 6 -c:a aac")]
    public async Task DecodeAsync_OrdinaryContainer_ComesOutWhole(string name, string codecs)
    {
        using var media = await DecodedAsync(_media.Clip(name, extra: codecs));

        Assert.InRange(media.NumFrames, 15, 17);
        Assert.InRange(media.NumSamples, 31000, 33600);
    }

    [Fact]
    public async Task DecodeAsync_UnknownDuration_ComesOutWhole()
    {
        // Matroska written to a pipe cannot go back to fill in its duration.
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=24:duration=2 -f lavfi -i sine=duration=2 -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis -f webm -seekable 0 -live 1 n.webm");
        using var media = await DecodedAsync(_media["n.webm"]);

        Assert.InRange(media.NumFrames, 16, 17); // by a clock of milliseconds 48 frames at 24 a second last 2.0003 s
        Assert.InRange(media.NumSamples, 31900, 33100);
    }

    [Fact]
    public async Task DecodeAsync_SeveralStreams_TakesTheLargestAndSaysSo()
    {
        _media.Make(
            "-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -f lavfi -i testsrc2=size=320x180:rate=12:duration=2 -f lavfi -i sine=duration=2 -f lavfi -i sine=duration=2 "
            + "-map 0 -map 1 -map 2 -map 3 -disposition:v default -c:v mpeg4 -c:a aac several.mkv");
        using var media = await DecodedAsync(_media["several.mkv"]);

        Assert.Equal(199, media.Width);
        Assert.Contains(media.Warnings, static warning => warning.Contains("2 video streams (0, 1): stream 1 was taken", StringComparison.Ordinal));
        Assert.Contains(media.Warnings, static warning => warning.Contains("2 audio streams", StringComparison.Ordinal));
    }

    // Several streams, so that the file is probed. Beside most of them lies what the name would be without its quotes or backslashes.
    [Theory]
    [InlineData("say \"hi\".mkv")]
    [InlineData("-i \"a\" -b %d %04d.mkv")]
    [InlineData("back\\slash\\\"\\.mkv")]
    [InlineData("ends in\\")]
    [InlineData("new\nline.mkv")]
    [InlineData(" blanks \t.mkv ")]
    [InlineData("#?&;$(x)'`%41:é😀.mkv")]
    public async Task DecodeAsync_OddName_IsProbedUnderIt(string name)
    {
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -f lavfi -i testsrc2=size=320x180:rate=12:duration=2 -f lavfi -i sine=duration=2 -map 0 -map 1 -map 2 -disposition:v default -c:v mpeg4 -c:a aac several.mkv");
        File.Copy(_media["several.mkv"], _media[name]);
        File.WriteAllText(_media[name.Replace("\"", "", StringComparison.Ordinal).Replace("\\", "", StringComparison.Ordinal) + (name.AsSpan().ContainsAny("\"\\") ? "" : ".other")], "another file");
        var (info, failure) = await new MediaProbe(_media.Tools).ProbeAsync(_media[name], TestContext.Current.CancellationToken);
        using var media = await DecodedAsync(_media[name]);

        Assert.Null(failure);
        Assert.Equal((2, 1), (info!.Video.Count, info.Audio.Count));
        Assert.Equal(199, media.Width);
        Assert.InRange(media.NumFrames, 16, 17); // Matroska counts milliseconds
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task DecodeAsync_Rotated_IsTurnedUpright(int quarters)
    {
        using var media = await DecodedAsync(_media.Turn(_media.Clip("flat.mp4", size: "160x120"), "turned.mp4", 90 * quarters));

        Assert.Equal((112, 149), (media.Width, media.Height));
    }

    [Fact]
    public async Task DecodeAsync_OddSize_FloorsTheLongSide()
    {
        _media.Make("-f lavfi -i testsrc=size=151x113:rate=24:duration=1 -c:v ffv1 -pix_fmt yuv444p odd.mkv");
        using var media = await DecodedAsync(_media["odd.mkv"], Modalities.Video);

        Assert.Equal((149, 112), (media.Width, media.Height));
    }

    [Fact]
    public async Task DecodeAsync_PictureChangesSize_KeepsTheFirstSize()
    {
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -c:v mpeg2video -f mpegts small.ts");
        _media.Make("-f lavfi -i testsrc2=size=320x180:rate=12:duration=2 -c:v mpeg2video -output_ts_offset 2 -f mpegts large.ts");
        File.WriteAllBytes(_media["both.ts"], [.. File.ReadAllBytes(_media["small.ts"]), .. File.ReadAllBytes(_media["large.ts"])]);
        using var media = await DecodedAsync(_media["both.ts"], Modalities.Video);

        Assert.Equal((149, 112), (media.Width, media.Height));
        Assert.Equal(0, media.Frames.Length % media.FrameBytes);
        Assert.InRange(media.NumFrames, 30, 34); // both parts begin with B-frames, 1/12 s late
    }

    [Fact]
    public async Task DecodeAsync_Stretch_TakesThoseSeconds()
    {
        var item = new SourceItem { Id = "s", Path = _media.Clip("s.mp4", seconds: 6), Start = 1.5, End = 4 };
        using var media = (await Decoder().DecodeAsync(item, TestContext.Current.CancellationToken)).Media!;

        Assert.Equal(20, media.NumFrames);
        Assert.InRange(media.NumSamples, 39000, 41000);
    }

    [Fact]
    public async Task DecodeAsync_NameWithQuotesAndSpaces_IsFound()
    {
        File.Move(_media.Clip("plain.mp4"), _media["a \"quoted\" näme\\.mp4"]);
        using var media = await DecodedAsync(_media["a \"quoted\" näme\\.mp4"]);

        Assert.Equal(16, media.NumFrames);
    }

    [Fact]
    public async Task DecodeAsync_BeyondTheResidentLimit_IsTheSameBytesFromAFile()
    {
        var path = _media.Clip("a.mp4");
        using var resident = await DecodedAsync(path);
        using var spooled = (await Decoder(new DecodeOptions { ResidentBytes = 100_000 }).DecodeAsync(Item(path), TestContext.Current.CancellationToken)).Media!;

        Assert.Equal(0, spooled.Frames.Resident);
        var offset = 3 * resident.FrameBytes;
        Assert.True(resident.Frames.Read(offset, resident.FrameBytes).Span.SequenceEqual(spooled.Frames.Read(offset, resident.FrameBytes).Span));
    }

    [Fact]
    public async Task DecodeAsync_NoAudioStream_LeavesTheSamplesEmpty()
    {
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -c:v mpeg4 mute.mp4");
        using var media = await DecodedAsync(_media["mute.mp4"]);

        Assert.Equal((16, 0L), (media.NumFrames, media.NumSamples));
    }

    [Fact]
    public async Task DecodeAsync_SongWithCover_HasNoVideo()
    {
        _media.Make("-f lavfi -i testsrc2=size=64x64:duration=1 -frames:v 1 cover.png");
        _media.Make("-f lavfi -i sine=duration=2 -i cover.png -map 0 -map 1 -c:v copy -disposition:v attached_pic -c:a libmp3lame song.mp3");
        using var media = await DecodedAsync(_media["song.mp3"]);

        Assert.Equal(0, media.NumFrames);
        Assert.InRange(media.NumSamples, 31000, 33000);
    }

    [Fact]
    public async Task DecodeAsync_ShorterAudioThanVideo_IsNoTruncation()
    {
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=4 -f lavfi -i sine=duration=2 -c:v mpeg4 -c:a aac half.mp4");
        using var media = await DecodedAsync(_media["half.mp4"]);

        Assert.Equal(32, media.NumFrames);
        Assert.InRange(media.NumSamples, 31000, 33000);
    }

    [Fact]
    public async Task DecodeAsync_TextRenamed_IsNotMedia()
    {
        File.WriteAllText(_media["text.mp4"], "This is no film at all.\n");
        await FailsAsync("text.mp4", "probe", "not-media");
    }

    [Fact]
    public async Task DecodeAsync_NoBytes_IsEmpty()
    {
        File.WriteAllBytes(_media["zero.mp4"], []);
        await FailsAsync("zero.mp4", "probe", "empty");
    }

    [Fact]
    public async Task DecodeAsync_NoFile_IsAbsent() => await FailsAsync("nowhere.mp4", "catalog", "absent");

    [Fact]
    public async Task DecodeAsync_IndexMissing_IsTruncated()
    {
        _media.Cut(_media.Clip("whole.mp4"), "cut.mp4", 0.5);
        await FailsAsync("cut.mp4", "probe", "truncated");
    }

    [Theory]
    [InlineData("whole.mp4", "cut.mp4", "-c:v libx264 -preset ultrafast -c:a aac -movflags +faststart")]
    [InlineData("whole.avi", "cut.avi", "-c:v mpeg4 -c:a libmp3lame")]
    [InlineData("whole.mkv", "cut.mkv", "-c:v mpeg4 -c:a libmp3lame")]
    public async Task DecodeAsync_EndMissing_IsTruncated(string whole, string cut, string codecs)
    {
        _media.Cut(_media.Clip(whole, seconds: 4, extra: codecs), cut, 0.6);
        await FailsAsync(cut, "decode", "truncated");
    }

    [Fact]
    public async Task DecodeAsync_DamagedInTheMiddle_WarnsOfWhatWasConcealed()
    {
        var path = _media.Clip("damaged.avi", seconds: 4, extra: "-c:v mpeg4 -b:v 800k -c:a libmp3lame");
        var bytes = File.ReadAllBytes(path);
        for (var i = bytes.Length / 2; i < (bytes.Length / 2) + 3000; i += 7)
        {
            bytes[i] ^= 0x55;
        }

        File.WriteAllBytes(path, bytes);
        using var media = await DecodedAsync(path);

        Assert.Contains(media.Warnings, static warning => warning.Contains("the decoder concealed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DecodeAsync_OneFrame_IsTooShort()
    {
        _media.Make("-f lavfi -i testsrc2=size=160x120:rate=24:duration=0.1 -c:v mpeg4 blink.mp4");
        var outcome = await Decoder(new DecodeOptions { Modalities = Modalities.Video }).DecodeAsync(Item(_media["blink.mp4"]), TestContext.Current.CancellationToken);

        Assert.Equal("too-short", outcome.Failure?.Reason);
    }

    [Fact]
    public async Task DecodeAsync_NoTimeAllowed_IsTimeout()
    {
        var path = _media.Clip("slow.mp4");
        var outcome = await Decoder(new DecodeOptions { ItemTimeout = TimeSpan.FromMilliseconds(1) }).DecodeAsync(Item(path), TestContext.Current.CancellationToken);

        Assert.Equal("timeout", outcome.Failure?.Reason);
    }

    [Fact]
    public async Task DecodeAsync_Cancelled_Throws()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Decoder().DecodeAsync(Item(_media.Clip("a.mp4")), cancelled.Token));
    }

    private async Task FailsAsync(string name, string stage, string reason)
    {
        var outcome = await Decoder().DecodeAsync(Item(_media[name]), TestContext.Current.CancellationToken);

        Assert.Equal((stage, reason), (outcome.Failure?.Stage, outcome.Failure?.Reason));
        Assert.Null(outcome.Media);
    }

    private async Task<DecodedMedia> DecodedAsync(string path, Modalities modalities = Modalities.AudioVideo)
    {
        var outcome = await Decoder(new DecodeOptions { Modalities = modalities }).DecodeAsync(Item(path), TestContext.Current.CancellationToken);
        Assert.True(outcome.Media is not null, outcome.Failure?.ToString());
        return outcome.Media;
    }

    private MediaDecoder Decoder(DecodeOptions? options = null) => new(_media.Tools, options ?? new DecodeOptions(), TimeProvider.System);

    private static SourceItem Item(string path) => new() { Id = Path.GetFileName(path), Path = path };
}
