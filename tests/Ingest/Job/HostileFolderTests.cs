using System.Globalization;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>
/// A folder in which every twentieth file is broken, in every way known: each item ends in one ledger line with the right reason, and
/// nothing is left running or lying about. XKD_TEST_ITEMS sets the number of items.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class HostileFolderTests : IDisposable
{
    private const string Hangs = "decode timeout";
    private static readonly int Items = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_ITEMS") ?? "280", CultureInfo.InvariantCulture);
    private readonly JobFixture _fixture = new();

    private MediaMaker Media => _fixture.Media;

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsync_OneInTwentyBroken_EachItemEndsOnceAndNothingIsLeft(bool inProcess)
    {
        var broken = Broken();
        string[] good = [Media.Clip("g.mp4", seconds: 1), Media.Clip("g.avi", seconds: 1, extra: "-c:v mpeg4 -c:a libmp3lame"), Media.Clip("g.mkv", seconds: 1, size: "90x160")];
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < Items; i++)
        {
            if (i % 20 == 7)
            {
                var (source, reason) = broken[i / 20 % broken.Count];
                var name = $"c{i % 4}/{i:D5}-{Path.GetFileName(source)}";
                Place(source, Media["media/" + name]);
                expected[name] = inProcess && reason == Hangs ? "committed" : reason; // only the program hangs, and it is not asked
            }
            else
            {
                var source = good[i % good.Length];
                var name = $"c{i % 4}/{i:D5}{Path.GetExtension(source)}";
                Place(source, Media["media/" + name]);
                expected[name] = "committed";
            }
        }

        var handles = Handles();
        var result = await new IngestJob(_fixture.Options with { ItemTimeout = 4 }, HangingTools(chosen: !inProcess), TimeProvider.System).RunAsync(progress: null, TestContext.Current.CancellationToken);

        var ledger = await _fixture.LedgerAsync();
        Assert.Equal(Items, ledger.Count);
        Assert.Equal(
            expected.OrderBy(static item => item.Key, StringComparer.Ordinal).Select(static item => $"{item.Key} {item.Value}"),
            ledger.Values.OrderBy(static entry => entry.Id, StringComparer.Ordinal).Select(static entry => $"{entry.Id} {(entry.State == ItemState.Failed ? $"{entry.Stage} {entry.Reason}" : "committed")}"));
        Assert.Equal(expected.Values.Count(static end => end == "committed"), result.Committed);
        Assert.Equal(result.Committed, Cache.Open(_fixture.Out).Clips.Count);
        Assert.Empty(Processes());
        Assert.Empty(Directory.GetFiles(_fixture.Out, ".spool-*", SearchOption.AllDirectories));
        Assert.InRange(Handles(), 0, handles);
    }

    /// <summary>Sources to copy, and how each ends. The last part of a name decides what <see cref="Place"/> makes of it.</summary>
    private List<(string Source, string End)> Broken()
    {
        var whole = Media.Clip("whole.mp4", seconds: 4);
        var streaming = Media.Clip("streaming.mp4", seconds: 4, extra: "-c:v libx264 -preset ultrafast -c:a aac -movflags +faststart");
        File.WriteAllBytes(Media["zero.mp4"], []);
        File.WriteAllText(Media["text.mp4"], "WEBVTT, or a page that says 404, under the name of a film\n");
        Media.Make("-f lavfi -i color=size=64x64:rate=24:duration=0.04 -f lavfi -i sine=duration=2 -c:v mpeg4 -c:a mp2 oneframe.avi");
        Media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -c:v mpeg4 mute.mp4");
        File.WriteAllText(Media["words.srt"], "1\n00:00:00,000 --> 00:00:02,000\nwords alone\n");
        Media.Make("-i words.srt -c:s srt nostreams.mkv");
        return
        [
            (Media["zero.mp4"], "probe empty"),
            (Media.Cut(whole, "cut.mp4", 0.6), "probe truncated"), // its index was to come last
            (Media.Cut(streaming, "cutstream.mp4", 0.5), "decode truncated"), // its index came first
            (Media["text.mp4"], "probe not-media"),
            (Media["nostreams.mkv"], "probe no-video"),
            (Media["oneframe.avi"], "decode too-short"),
            (Media["mute.mp4"], "probe no-audio"),
            (Absurd("absurd.avi"), "decode corrupt"),
            (Headless(whole, "noindex.mp4"), "probe truncated"),
            (Media.Clip("hang.mp4", seconds: 1), Hangs),
            (Media["pipe.fifo"], "catalog not-media"),
            (Media["gone.link"], "catalog absent"),
            (Media.Scramble(streaming, "scrambled.mp4"), "decode truncated"),
            (Media.Clip("short.mp4", seconds: 0.1), "decode too-short"),
        ];
    }

    private void Place(string source, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        switch (Path.GetExtension(source))
        {
            case ".fifo":
                Run("mkfifo", target);
                break;
            case ".link":
                File.CreateSymbolicLink(target, source);
                break;
            default:
                File.Copy(source, target);
                break;
        }
    }

    /// <summary>Raw pictures whose header says that each is 60,000 pixels wide and high.</summary>
    private string Absurd(string name)
    {
        Media.Make($"-f lavfi -i testsrc2=size=64x64:rate=8:duration=2 -f lavfi -i sine=duration=2 -c:v rawvideo -pix_fmt bgr24 -c:a pcm_s16le {name}");
        var bytes = File.ReadAllBytes(Media[name]);
        var header = bytes.AsSpan().IndexOf("strf"u8) + 8;
        BitConverter.GetBytes(60000).CopyTo(bytes, header + 4);
        BitConverter.GetBytes(60000).CopyTo(bytes, header + 8);
        File.WriteAllBytes(Media[name], bytes);
        return Media[name];
    }

    /// <summary>An MP4 whose index is there under a name nobody knows.</summary>
    private string Headless(string file, string name)
    {
        var bytes = File.ReadAllBytes(file);
        "xxxx"u8.CopyTo(bytes.AsSpan(bytes.AsSpan().LastIndexOf("moov"u8)));
        File.WriteAllBytes(Media[name], bytes);
        return Media[name];
    }

    /// <summary>ffmpeg, but of a file called hang it never returns, and neither does a child it has.</summary>
    /// <param name="chosen">It is the user's choice; else it is found on the PATH, and its libraries do what they can.</param>
    private FfmpegTools HangingTools(bool chosen)
    {
        Directory.CreateDirectory(Media["bin"]);
        File.WriteAllText(Media["bin/ffmpeg"], $"#!/bin/sh\ncase \"$*\" in *hang.mp4*) sleep 4242; sleep 4242;; *) exec {Media.Tools.Ffmpeg} \"$@\";; esac\n");
        Run("chmod", "+x", Media["bin/ffmpeg"]);
        return chosen ? FfmpegTools.Locate(Media["bin"]) : FfmpegTools.Locate("", Media["bin"] + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"));
    }

    /// <summary>Command lines of processes that have to do with this folder.</summary>
    private List<string> Processes() =>
        [.. Directory.GetDirectories("/proc").Select(static folder => Path.Combine(folder, "cmdline")).Select(ReadOrNothing)
            .Where(line => line.Contains(Media.Root, StringComparison.Ordinal) || line.Contains("sleep\0" + "4242", StringComparison.Ordinal))];

    private static string ReadOrNothing(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : "";
        }
        catch (IOException)
        {
            return ""; // the process has ended since it was listed
        }
    }

    /// <summary>Open pipes, sockets and files without a name. What waits for its finalizer is not lost, so a collection comes first.</summary>
    private static int Handles()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Directory.GetFileSystemEntries("/proc/self/fd").Count(static entry => new FileInfo(entry).LinkTarget is { } target
            && (target.StartsWith("pipe:", StringComparison.Ordinal) || target.StartsWith("socket:", StringComparison.Ordinal) || target.EndsWith("(deleted)", StringComparison.Ordinal)));
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
