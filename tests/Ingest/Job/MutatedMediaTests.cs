using System.Buffers.Binary;
using System.Globalization;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>
/// Files of every common container with flipped bits, cut ends, swapped, doubled and missing blocks, and numbers of their headers made extreme. Whatever that makes of
/// them, each ends in one state, by either way of decoding alike, and leaves nothing behind. XKD_TEST_MUTATED_FILES sets their number, or which (500-999).
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class MutatedMediaTests : IDisposable
{
    private const int Chunk = 500;
    private const int WarmUp = 4; // chunks, after which the runtime compiles little
    private static readonly string[] Reasons = ["not-media", "truncated", "corrupt", "no-video", "no-audio", "no-frames", "too-short", "too-large", "empty"];
    private static readonly double ItemTimeout = new IngestOptions { Root = "", Out = "" }.ItemTimeout;
    private readonly JobFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task RunAsync_MutatedFiles_EachEndsInOneStateEitherWay()
    {
        var asked = (Environment.GetEnvironmentVariable("XKD_TEST_MUTATED_FILES") ?? "22").Split('-');
        var begin = asked.Length == 1 ? 0 : int.Parse(asked[0], CultureInfo.InvariantCulture);
        var end = int.Parse(asked[^1], CultureInfo.InvariantCulture) + asked.Length - 1;
        var whole = Whole();
        var (committed, resident, outcomes) = (0, new List<long>(), new SortedDictionary<string, int>(StringComparer.Ordinal));
        for (var first = begin; first < end; first += Chunk)
        {
            var number = Math.Min(Chunk, end - first);
            Mutate(whole, first, number);
            var before = Files(_fixture.Root);
            var byLibraries = await IngestAsync(_fixture.Media.Tools, number);
            var byProcesses = await IngestAsync(FfmpegTools.Locate(_fixture.Media.Tools.Ffmpeg), number);

            Assert.Equal(before, Files(_fixture.Root)); // nothing of them is touched, and nothing put beside them
            Assert.Equal(byProcesses.Keys.Order(StringComparer.Ordinal), byLibraries.Keys.Order(StringComparer.Ordinal));
            Assert.All(byLibraries, item => Assert.Equal(byProcesses[item.Key], item.Value));
            Assert.Empty(Children());
            committed += byLibraries.Values.Count(static state => state.EndsWith("committed", StringComparison.Ordinal));
            foreach (var state in byLibraries.Values.Select(static state => state.Split(' ')[^1]))
            {
                outcomes[state] = outcomes.GetValueOrDefault(state) + 1;
            }

            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true); // gives memory back, which an ordinary one does when it likes
            resident.Add(Environment.WorkingSet >> 20);
            Directory.Delete(_fixture.Root, recursive: true);
            var ended = string.Join(", ", outcomes.Select(static pair => $"{pair.Key} {pair.Value}"));
            TestContext.Current.SendDiagnosticMessage($"up to {first + number}: {ended}; resident MiB after each {Chunk}: {string.Join(' ', resident)}");
        }

        Assert.InRange(committed, 1, end - begin - 1); // they are neither all harmless nor all hopeless
        Assert.True(resident[^1] <= 1.05 * resident.Take(WarmUp).Max(), $"at its end the process has grown: {string.Join(' ', resident)} MiB");
    }

    private async Task<Dictionary<string, string>> IngestAsync(FfmpegTools tools, int count)
    {
        var options = _fixture.Options with { OnMissing = MissingPolicy.Keep, ItemTimeout = ItemTimeout, ShortSide = 32, MaxDecoded = 64 << 20 };
        var result = await new IngestJob(options, tools, TimeProvider.System).RunAsync(progress: null, TestContext.Current.CancellationToken);
        Assert.Equal(count, result.Committed + result.Failed);
        var clips = Cache.Open(_fixture.Out).Clips.ToLookup(static clip => clip.Id.Split('#')[0], static clip => $"{clip.NumFrames}+{clip.MelFrames}");
        var states = (await _fixture.LedgerAsync()).Values.ToDictionary(
            static entry => entry.Id, entry => entry.State == ItemState.Committed ? $"{string.Join(',', clips[entry.Id])} committed" : $"failed {entry.Reason}", StringComparer.Ordinal);
        Assert.All(states.Values.Where(static state => state.StartsWith("failed", StringComparison.Ordinal)), static state => Assert.Contains(state.Split(' ')[1], Reasons));
        Directory.Delete(_fixture.Out, recursive: true);
        return states;
    }

    private List<(string Extension, byte[] Bytes)> Whole()
    {
        const string Source = "-f lavfi -i testsrc2=size=96x64:rate=12:duration=1.5 -f lavfi -i sine=duration=1.5:sample_rate=16000";
        (string Extension, string Arguments)[] kinds =
        [
            ("mp4", "-c:v libx264 -preset ultrafast -c:a aac"), ("mkv", "-c:v libx264 -preset ultrafast -bf 2 -c:a aac"), ("webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis"),
            ("avi", "-c:v mpeg4 -c:a libmp3lame"), ("ts", "-c:v libx264 -preset ultrafast -c:a aac"), ("flv", "-c:v flv1 -ar 22050 -c:a libmp3lame"), ("mov", "-c:v mjpeg -c:a pcm_s16le"),
            ("mpg", "-r 25 -c:v mpeg2video -c:a mp2"), ("mp3", "-vn -c:a libmp3lame"), ("wav", "-vn"), ("ogg", "-vn -c:a libvorbis"),
        ];
        return [.. kinds.Select(kind => (kind.Extension, File.ReadAllBytes(_fixture.Media.Make($"{Source} -pix_fmt yuv420p {kind.Arguments} whole.{kind.Extension}"))))];
    }

    private void Mutate(List<(string Extension, byte[] Bytes)> whole, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            var random = new Random(i);
            var (extension, bytes) = whole[i % whole.Count];
            var path = Path.Combine(_fixture.Root, "class", string.Create(CultureInfo.InvariantCulture, $"m{i:D5}.{extension}"));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, Mutated(bytes, random));
        }
    }

    private static byte[] Mutated(byte[] whole, Random random)
    {
        var bytes = whole.ToArray();
        int At(int length) => random.Next(Math.Max(1, bytes.Length - length));
        switch (random.Next(6))
        {
            case 0: // bits
                for (var flips = 1 << random.Next(8); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
            case 1: // the end is missing
                return bytes[..random.Next(bytes.Length)];
            case 2: // two blocks change places
                var (length, one, other) = (1 << random.Next(4, 11), 0, 0);
                length = Math.Min(length, bytes.Length / 4);
                (one, other) = (At(length), At(length));
                var held = bytes.AsSpan(one, length).ToArray();
                bytes.AsSpan(other, length).CopyTo(bytes.AsSpan(one, length));
                held.CopyTo(bytes.AsSpan(other, length));
                return bytes;
            case 3: // a block is missing, or twice there
                var from = At(64);
                var to = Math.Min(bytes.Length, from + (1 << random.Next(12)));
                return random.Next(2) == 0 ? [.. bytes[..from], .. bytes[to..]] : [.. bytes[..to], .. bytes[from..]];
            case 4: // a number of the header, or of the index at the end, lies
                var header = random.Next(2) == 0 ? random.Next(Math.Min(1024, bytes.Length - 8)) : bytes.Length - 8 - random.Next(Math.Min(4096, bytes.Length - 8));
                ulong[] lies = [0, 1, uint.MaxValue, 0x7FFFFFFF, 0x80000000, ulong.MaxValue, 0x7FFF_FFFF_FFFF_FFFF, 0xFFFF0000, 1_000_000];
                var lie = lies[random.Next(lies.Length)];
                if (random.Next(2) == 0)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(header), (uint)lie);
                }
                else
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(header), lie);
                }

                return bytes;
            default: // a stretch of noise, or of nothing
                var noise = bytes.AsSpan(At(512), Math.Min(512, bytes.Length / 2));
                if (random.Next(2) == 0)
                {
                    random.NextBytes(noise);
                }
                else
                {
                    noise.Clear();
                }

                return bytes;
        }
    }

    private static List<string> Files(string root) =>
        [.. new DirectoryInfo(root).EnumerateFiles("*", SearchOption.AllDirectories).Select(static file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}").Order(StringComparer.Ordinal)];

    // Programs of ffmpeg's that this process has started and that have not ended.
    private static List<string> Children()
    {
        var children = new List<string>();
        foreach (var folder in Directory.GetDirectories("/proc").Where(static folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                var status = File.ReadAllText(Path.Combine(folder, "stat"));
                var after = status[(status.LastIndexOf(')') + 2)..].Split(' ');
                var name = status[(status.IndexOf('(') + 1)..status.LastIndexOf(')')];
                if (after[1] == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) && name is "ffmpeg" or "ffprobe" or "xkd-decode" && after[0] != "Z")
                {
                    children.Add(name);
                }
            }
            catch (IOException)
            {
                // It has ended since it was listed.
            }
        }

        return children;
    }
}
