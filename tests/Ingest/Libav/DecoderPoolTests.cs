using System.Globalization;

namespace Xkd.Ingest.Tests;

/// <summary>Processes that stay give what the ffmpeg program gives, to the byte, or nothing.</summary>
public sealed class DecoderPoolTests : IAsyncLifetime
{
    private const string Picture = "-f lavfi -i testsrc2=size=176x144:rate=25:duration=3";
    private const string Tone = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=3";
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
    };

    [Theory]
    [MemberData(nameof(Containers))]
    public async Task DecodeAsync_OrdinarySource_GivesTheBytesOfTheProgram(string name, string arguments)
    {
        await AssertSameAsync(_media.Make($"{arguments} {name}"));
    }

    [Fact]
    public async Task DecodeAsync_EditedStart_GivesTheBytesOfTheProgram()
    {
        _media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac whole.mp4");

        await AssertSameAsync(_media.Make("-ss 1.3 -i whole.mp4 -c copy edited.mp4"));
    }

    [Theory]
    [InlineData("mute.mp4", Picture + " -c:v libx264")]
    [InlineData("two.mkv", Picture + " " + Picture + " " + Tone + " -map 0 -map 1 -map 2 -c:v libx264 -c:a aac")]
    [InlineData("tongues.mkv", Picture + " " + Tone + " " + Tone + " -map 0 -map 1 -map 2 -c:v libx264 -c:a aac")]
    [InlineData("other.webm", Picture + " " + Tone + " -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis")]
    [InlineData("timeless.avi", Picture + " " + Tone + " -c:v mpeg4 -bf 2 -c:a libmp3lame")]
    public async Task DecodeAsync_SomethingToDecide_IsRefused(string name, string arguments)
    {
        Assert.Null(await _pool.DecodeAsync(Item(_media.Make($"{arguments} {name}")), TestContext.Current.CancellationToken));
        Assert.Null(_pool.Unusable);
    }

    [Fact]
    public async Task DecodeAsync_Turned_IsRefused()
    {
        _media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac flat.mp4");

        Assert.Null(await _pool.DecodeAsync(Item(_media.Turn(_media["flat.mp4"], "turned.mp4", quarters: 1)), TestContext.Current.CancellationToken));
    }

    /// <summary>XKD_TEST_DAMAGED_FILES sets their number.</summary>
    [Fact]
    public async Task DecodeAsync_DamagedAnywhere_IsRefusedOrTheSame()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_DAMAGED_FILES") ?? "24", CultureInfo.InvariantCulture);
        byte[][] whole =
        [
            .. new[] { "a.mp4", "a.mkv" }.Select(name => File.ReadAllBytes(_media.Make($"{Picture} {Tone} -c:v libx264 -c:a aac {name}"))),
        ];
        var random = new Random(5);
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var bytes = (byte[])whole[i % whole.Length].Clone();
            for (var flips = 1 << random.Next(5); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            var path = _media[$"damaged{i}.{(i % 2 == 0 ? "mp4" : "mkv")}"];
            File.WriteAllBytes(path, bytes);
            var decoded = await _pool.DecodeAsync(Item(path), TestContext.Current.CancellationToken);
            refused += decoded is null ? 1 : 0;
            if (decoded is not null)
            {
                using var run = decoded.Value.Run;
                await AssertSameAsync(path, run);
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
        Assert.DoesNotContain(Directory.GetDirectories("/proc"), folder => CommandLine(folder).Contains("sleep\0" + nap, StringComparison.Ordinal));
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
        using var run = decoded.Value.Run;
        await AssertSameAsync(path, run);
    }

    private async Task AssertSameAsync(string path, DecodeRun run)
    {
        var outcome = await new MediaDecoder(_media.Tools, new DecodeOptions(), TimeProvider.System).DecodeAsync(Item(path), TestContext.Current.CancellationToken);
        Assert.True(outcome.Media is not null, outcome.Failure?.ToString());
        using var media = outcome.Media;
        Assert.Equal((media.Width, media.Height), run.FrameSize);
        Assert.True(Bytes(media.Frames).SequenceEqual(Bytes(run.Frames)), $"{path}: frames differ");
        Assert.True(Bytes(media.Samples).SequenceEqual(Bytes(run.Samples)), $"{path}: samples differ");
    }

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
