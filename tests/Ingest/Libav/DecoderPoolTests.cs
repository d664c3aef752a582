using System.Diagnostics;
using System.Globalization;

namespace Xkd.Ingest.Tests;

/// <summary>Processes that stay give what the ffmpeg program gives, to the byte, or nothing.</summary>
public sealed class DecoderPoolTests : IAsyncLifetime
{
    private const string Picture = "-f lavfi -i testsrc2=size=176x144:rate=25:duration=3";
    private const string Tone = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=3";
    private const string Vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k";
    private const string Av1 = "-c:v libaom-av1 -usage realtime -cpu-used 8 -b:v 300k";
    private readonly MediaMaker _media = new();
    private readonly DecoderPool _pool;

    public DecoderPoolTests() => _pool = Pool();

    public async ValueTask InitializeAsync()
    {
        await _pool.TryAsync(TestContext.Current.CancellationToken);
        Libraries.Require(_pool);
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        _media.Dispose();
    }

    public static TheoryData<string, string> Containers { get; } = new()
    {
        { "plain.mp4", $"{Picture} {Tone} -c:v libx264 -c:a aac" },
        { "plain.mkv", $"{Picture} {Tone} -c:v libx264 -c:a aac" },
        { "plain.flv", $"{Picture} {Tone} -c:v libx264 -c:a aac" },
        { "plain.ts", $"{Picture} {Tone} -c:v libx264 -c:a aac" },
        { "fragments.mp4", $"{Picture} {Tone} -c:v libx264 -c:a aac -movflags +frag_keyframe+empty_moov" }, // begins late, without an edit list
        { "film.mp4", $"{Picture.Replace("=25", "=24000/1001", StringComparison.Ordinal)} {Tone} -c:v libx264 -c:a aac" },
        { "ntsc.mkv", $"{Picture.Replace("=25", "=30000/1001", StringComparison.Ordinal)} {Tone} -c:v libx264 -c:a aac" },
        { "slow.mp4", $"{Picture.Replace("=25", "=3", StringComparison.Ordinal)} {Tone} -c:v libx264 -c:a aac" },
        { "pyramid.mp4", $"{Picture} {Tone} -c:v libx264 -x264-params bframes=8:b-pyramid=normal:ref=5 -c:a aac" },
        { "open.mp4", $"{Picture} {Tone} -c:v libx264 -x264-params open-gop=1:keyint=20 -c:a aac" },
        { "fields.mp4", $"{Picture} {Tone} -c:v libx264 -flags +ilme+ildct -x264-params tff=1 -c:a aac" },
        { "variable.mp4", $"{Picture} {Tone} -vf select='lt(mod(n\\,10)\\,4)' -fps_mode vfr -c:v libx264 -c:a aac" },
        { "variable-late.mkv", $"{Picture} {Tone} -vf select='lt(mod(n\\,7)\\,3)' -fps_mode vfr -c:v libx264 -c:a aac -output_ts_offset 3.21" },
        { "sound-late.mp4", $"{Picture} -itsoffset 0.7 {Tone} -c:v libx264 -c:a aac" },
        { "picture-late.mp4", $"-itsoffset 0.7 {Picture} {Tone} -c:v libx264 -c:a aac" },
        { "tall.mp4", $"{Picture} {Tone} -vf crop=96:144 -c:v libx264 -c:a aac" },
        { "odd.mp4", $"{Picture} {Tone} -vf scale=151:113,format=yuv444p -c:v libx264 -c:a aac" },
        { "bt709.mp4", $"{Picture} {Tone} -pix_fmt yuvj420p -colorspace bt709 -color_range pc -c:v libx264 -c:a aac" },
        { "low.mp4", $"{Picture} {Tone} -c:v libx264 -c:a aac -ar 8000 -ac 1" },
        { "high.mkv", $"{Picture} {Tone} -c:v libx264 -c:a flac -ar 96000" },
        { "surround.mp4", $"{Picture} {Tone} -c:v libx264 -c:a aac -ac 6" },
        { "opus.mkv", $"{Picture} {Tone} -c:v libx264 -c:a libopus" },
        { "mpeg1.mkv", $"{Picture} {Tone} -c:v mpeg1video -bf 2 -c:a mp2" },
        { "mpeg2.ts", $"{Picture} {Tone} -c:v mpeg2video -bf 2 -c:a mp2" },
        { "mpeg4.avi", $"{Picture} {Tone} -c:v mpeg4 -c:a libmp3lame" },
        { "mpeg4.mp4", $"{Picture} {Tone} -c:v mpeg4 -bf 2 -c:a aac" },
        { "mjpeg.mov", $"{Picture} {Tone} -pix_fmt yuvj422p -c:v mjpeg -c:a pcm_s16le" },
        { "vp9.webm", $"{Picture} {Tone} {Vp9} -c:a libopus" },
        { "av1.mkv", $"{Picture} {Tone} {Av1} -c:a aac" },
        { "mute.mp4", $"{Picture} -c:v libx264" },
        { "mute.avi", $"{Picture} -c:v mpeg4" },
        { "sound.mp3", $"{Tone} -c:a libmp3lame" },
        { "sound.wav", $"{Tone}" },
        { "sound.flac", $"{Tone}" },
        { "sound.ogg", $"{Tone} -c:a libvorbis" },
        { "sound.m4a", $"{Tone} -c:a aac" },
    };

    [Theory]
    [MemberData(nameof(Containers))]
    public async Task DecodeAsync_OrdinarySource_GivesTheBytesOfTheProgram(string name, string arguments)
    {
        await AssertSameAsync(_media.Make($"{arguments} {name}"));
    }

    [Fact]
    public async Task DecodeAsync_SoundWithACover_GivesTheBytesOfTheProgram()
    {
        _media.Make($"{Picture} -frames:v 1 cover.jpg");

        await AssertSameAsync(_media.Make($"{Tone} -i cover.jpg -map 0 -map 1 -c:v copy -disposition:v attached_pic -c:a libmp3lame cover.mp3"));
    }

    [Fact]
    public async Task DecodeAsync_EditedStart_GivesTheBytesOfTheProgram()
    {
        _media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac whole.mp4");

        await AssertSameAsync(_media.Make("-ss 1.3 -i whole.mp4 -c copy edited.mp4"));
    }

    [Theory]
    [InlineData("two.mkv", Picture + " " + Picture + " " + Tone + " -map 0 -map 1 -map 2 -c:v libx264 -c:a aac")]
    [InlineData("tongues.mkv", Picture + " " + Tone + " " + Tone + " -map 0 -map 1 -map 2 -c:v libx264 -c:a aac")]
    [InlineData("other.webm", Picture + " " + Tone + " -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis")]
    [InlineData("hevc.mp4", Picture + " " + Tone + " -c:v libx265 -preset ultrafast -c:a aac")]
    [InlineData("timeless.avi", Picture + " " + Tone + " -c:v mpeg4 -bf 2 -c:a libmp3lame")]
    public async Task DecodeAsync_SomethingToDecide_IsRefused(string name, string arguments)
    {
        Assert.Null(await _pool.DecodeAsync(Item(_media.Make($"{arguments} {name}")), TestContext.Current.CancellationToken));
        Assert.Null(_pool.Unusable);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(90)]
    [InlineData(180)]
    [InlineData(270)]
    public async Task DecodeAsync_TurnedByQuarters_GivesTheBytesOfTheProgram(int degrees)
    {
        _media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac flat.mp4");

        await AssertSameAsync(_media.Turn(_media["flat.mp4"], "turned.mp4", degrees));
    }

    [Fact]
    public async Task DecodeAsync_TurnedByAnOddAngle_IsRefused()
    {
        _media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac flat.mp4");

        Assert.Null(await _pool.DecodeAsync(Item(_media.Turn(_media["flat.mp4"], "turned.mp4", degrees: 45)), TestContext.Current.CancellationToken));
    }

    /// <summary>XKD_TEST_DAMAGED_FILES sets their number.</summary>
    [Fact]
    public async Task DecodeAsync_DamagedAnywhere_IsRefusedOrTheSame()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_DAMAGED_FILES") ?? "24", CultureInfo.InvariantCulture);
        (string Name, string Arguments)[] kinds =
        [
            ("a.mp4", $"{Picture} {Tone} -c:v libx264 -c:a aac"), ("a.mkv", $"{Picture} {Tone} -c:v libx264 -c:a aac"), ("b.ts", $"{Picture} {Tone} -c:v mpeg2video -bf 2 -c:a mp2"),
            ("c.mkv", $"{Picture} {Tone} -c:v mpeg1video -c:a mp2"), ("d.avi", $"{Picture} {Tone} -c:v mpeg4 -c:a libmp3lame"), ("e.mp4", $"{Picture} {Tone} -c:v mpeg4 -bf 2 -c:a aac"),
            ("f.mov", $"{Picture} {Tone} -pix_fmt yuvj420p -c:v mjpeg -c:a pcm_s16le"), ("g.webm", $"{Picture} {Tone} {Vp9} -c:a libopus"), ("h.mkv", $"{Picture} {Tone} {Av1} -c:a aac"),
            ("i.mp3", $"{Tone} -c:a libmp3lame"), ("j.ogg", $"{Tone} -c:a libvorbis"), ("k.flac", Tone),
        ];
        byte[][] whole = [.. kinds.Select(kind => File.ReadAllBytes(_media.Make($"{kind.Arguments} {kind.Name}")))];
        var random = new Random(5);
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var bytes = (byte[])whole[i % whole.Length].Clone();
            for (var flips = 1 << random.Next(5); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            var path = _media[$"damaged{i}{Path.GetExtension(kinds[i % whole.Length].Name)}"];
            File.WriteAllBytes(path, bytes);
            var decoded = await Program().DecodeByLibrariesAsync(_pool, Item(path), TestContext.Current.CancellationToken);
            refused += decoded is null ? 1 : 0;
            if (decoded is not null)
            {
                await AssertSameAsync(path, decoded.Value);
            }
        }

        Assert.InRange(refused, 1, count);
    }

    [Fact]
    public async Task DecodeAsync_ManySources_UsesOneProcess()
    {
        var path = _media.Clip("a.mp4");
        for (var i = 0; i < 5; i++)
        {
            var decoded = await _pool.DecodeAsync(Item(path), TestContext.Current.CancellationToken);
            Assert.NotNull(decoded);
            decoded.Value.Run.Dispose();
        }

        Assert.Equal(1, _pool.Started);
    }

    [Fact]
    public async Task DecodeAsync_ProcessCrashes_LeavesTheSourceToTheProgramAndStartsAnew()
    {
        var ran = _media["ran"];
        await using var pool = Pool(Script($"echo x >> {ran}; head -c 4 >/dev/null; kill -SEGV $$"));
        for (var i = 1; i <= 2; i++)
        {
            Assert.Null(await pool.DecodeAsync(Item(_media.Clip("a.mp4")), TestContext.Current.CancellationToken));
            Assert.Equal(i, File.ReadAllLines(ran).Length);
        }
    }

    [Fact]
    public async Task DecodeAsync_ProcessHangs_IsKilledWhenTheTimeIsUp()
    {
        var nap = (100_000 + Environment.ProcessId).ToString(CultureInfo.InvariantCulture); // another run of this test has another
        await using var pool = Pool(Script($"sleep {nap}"), new DecodeOptions { ItemTimeout = TimeSpan.FromSeconds(1) });

        Assert.Null(await pool.DecodeAsync(Item(_media.Clip("a.mp4")), TestContext.Current.CancellationToken));

        // The signal is sent; a busy machine takes its time to carry it out.
        bool Naps() => Directory.GetDirectories("/proc").Any(folder => CommandLine(folder).Contains("sleep\0" + nap, StringComparison.Ordinal));
        var began = Stopwatch.GetTimestamp();
        while (Naps() && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.False(Naps());
    }

    [Fact]
    public async Task TryAsync_ProcessDoesNotAnswer_AreNotUsed()
    {
        var path = Script("");
        File.WriteAllText(path, "#!/bin/bash\nread -r never\n");
        await using var pool = Pool(path, new DecodeOptions { ItemTimeout = TimeSpan.FromSeconds(1) });
        await pool.TryAsync(TestContext.Current.CancellationToken);

        Assert.Equal("xkd-decode does not answer", pool.Unusable);
    }

    [Fact]
    public async Task TryAsync_StoppedBeforeAnAnswer_IsCancelled()
    {
        var path = Script("");
        File.WriteAllText(path, "#!/bin/bash\nread -r never\n");
        await using var pool = Pool(path);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pool.TryAsync(stop.Token));
    }

    [Fact]
    public async Task DecodeAsync_LibrariesOfAnotherBuild_AreNotUsed()
    {
        await using var pool = Pool(Script("sleep 1", build: "0.1"));

        Assert.Null(await pool.DecodeAsync(Item(_media.Clip("a.mp4")), TestContext.Current.CancellationToken));
        Assert.Contains("0.1", pool.Unusable, StringComparison.Ordinal);
    }

    [Fact]
    public void Unusable_ProgramOfTheUsersChoice_SaysSo() =>
        Assert.Contains("XKD_FFMPEG", new DecoderPool(FfmpegTools.Locate(_media.Tools.Ffmpeg), new DecodeOptions(), TimeProvider.System).Unusable, StringComparison.Ordinal);

    private async Task AssertSameAsync(string path)
    {
        var decoded = await _pool.DecodeAsync(Item(path), TestContext.Current.CancellationToken);
        Assert.NotNull(decoded);
        var run = decoded.Value.Run;
        await AssertSameAsync(path, new DecodeOutcome(new DecodedMedia(run.Frames, run.Samples) { Width = run.FrameSize.Width, Height = run.FrameSize.Height }, null));
    }

    private async Task AssertSameAsync(string path, DecodeOutcome decoded)
    {
        using var media = decoded.Media;
        var outcome = await Program().DecodeAsync(Item(path), TestContext.Current.CancellationToken);
        using var expected = outcome.Media;
        Assert.Equal((outcome.Failure?.Reason, expected?.Width, expected?.Height), (decoded.Failure?.Reason, media?.Width, media?.Height));
        Assert.True(expected is null || Bytes(expected.Frames).SequenceEqual(Bytes(media!.Frames)), $"{path}: frames differ");
        Assert.True(expected is null || Bytes(expected.Samples).SequenceEqual(Bytes(media!.Samples)), $"{path}: samples differ");
    }

    private MediaDecoder Program() => new(_media.Tools, new DecodeOptions(), TimeProvider.System);

    private static ReadOnlySpan<byte> Bytes(Spool spool) => spool.Read(0, (int)spool.Length).Span;

    private static string CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline"));
        }
        catch (IOException)
        {
            return ""; // no process, or one that has ended since it was listed
        }
    }

    /// <summary>A decoder that says its hello and then does something else.</summary>
    private string Script(string then, string? build = null)
    {
        build ??= _media.Tools.Build;
        var path = _media["decoder.sh"];
        File.WriteAllText(path, $"#!/bin/bash\nprintf '\\x01\\x{build.Length:x2}\\x00\\x00\\x00{build}'\n{then}\n");
        using var chmod = System.Diagnostics.Process.Start("chmod", ["+x", path]);
        chmod.WaitForExit();
        return path;
    }

    private DecoderPool Pool(string? program = null, DecodeOptions? options = null) => new(_media.Tools, options ?? new DecodeOptions(), TimeProvider.System, program);

    private static SourceItem Item(string path) => new() { Id = path, Path = path };
}
