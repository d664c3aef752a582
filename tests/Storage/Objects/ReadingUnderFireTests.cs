using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Xkd.Storage.Tests;

/// <summary>
/// As many readers as a store is worth, as a feed has them, over a line on which everything goes wrong. XKD_TEST_READS sets how often each reads every clip.
/// </summary>
public sealed class ReadingUnderFireTests : IAsyncLifetime
{
    // Less than a call may take, so that no request is given up and comes twice.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly ClipRecord[] Twelve = [.. Enumerable.Range(0, 12).Select(i => Clips.Make($"clip {i:D2}", frames: 128))];

    private readonly TempFolder _folder = new();
    private readonly SemaphoreSlim _gate = new(64); // the server takes them as they come
    private S3rver? _server;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await S3rver.StartAsync();
        var store = ObjectCaches.Open(_server.Endpoint, _folder);
        await using var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, new CacheWriterOptions { ShardRows = 3 }, TimeProvider.System, Ct);
        await writer.AddAsync(Twelve);
        await writer.CommitAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        _gate.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Reads_OfAllReadersOverABadLine_AreWhatWasWrittenAndUnderWayAtOnce()
    {
        var turns = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_READS") ?? "2", CultureInfo.InvariantCulture);
        using var line = new BadLine(_server!.Endpoint, _gate, seed: 7).Start();
        var options = ObjectCaches.Options(line.Endpoint, _folder) with { Retries = 8, RetryDelay = TimeSpan.FromMilliseconds(5), CacheBytes = 0 };
        using ClipReader reader = new(Cache.Open(new ObjectStore(ObjectCaches.Cache, options, TimeProvider.System)));
        var readers = reader.Requests!.Value;
        var gathered = new Task<int>?[turns];
        var read = 0;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, readers).Select(who =>
            Task.Factory.StartNew(() => ReadAll(who), Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        Assert.Equal(readers * turns * Twelve.Length, read);
        Assert.All(await Task.WhenAll(gathered.Select(one => one!)), together => Assert.Equal(readers, together));
        string[] kinds = ["500", "503", "429", "reset before", "cut", "wait"];
        Assert.All(kinds, kind => Assert.True(line.Faults.ContainsKey(kind), kind));
        var faults = line.Faults.OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => $"{kind.Key} {kind.Value}");
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture,
            $"{read} clips by {readers} readers in {seconds:f1} s, {read / seconds:f0} clips/s; "
            + $"{line.Faults.Values.Sum()} requests: {string.Join(", ", faults)}"));

        void ReadAll(int who)
        {
            Random random = new(who);
            for (var turn = 0; turn < turns; turn++)
            {
                var order = Twelve.ToArray();
                random.Shuffle(order);
                foreach (var (i, clip) in order.Index())
                {
                    // Who is first in the middle of a turn: the others have reads to go, too.
                    if (i == order.Length / 2)
                    {
                        lock (gathered)
                        {
                            gathered[turn] ??= line.GatherAsync(readers, Patience);
                        }
                    }

                    ReadOne(reader, clip);
                    Interlocked.Increment(ref read);
                }
            }
        }
    }

    private static void ReadOne(ClipReader reader, ClipRecord written)
    {
        var clip = reader.Cache.Clips.Single(one => one.Id == written.Id);
        var frames = new byte[clip.NumFrames * clip.FrameBytes];
        reader.ReadFrames(clip, 0, clip.NumFrames, frames);
        Assert.True(written.Frames.Span.SequenceEqual(frames), clip.Id);
        var mel = new Half[Clips.Fingerprint.Mels * clip.MelFrames];
        reader.ReadMel(clip, mel);
        Assert.True(written.Mel.Span.SequenceEqual(MemoryMarshal.AsBytes(mel.AsSpan())), clip.Id);
    }
}
