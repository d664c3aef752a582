using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>Clips whose every byte says which clip, frame and place it is of; rows can be damaged.</summary>
internal sealed class FakeClips : IClipSource
{
    public const int Width = 20;
    public const int Height = 16;
    public const int Mels = 8;

    private readonly HashSet<int> _corrupt;
    private readonly SemaphoreSlim _read = new(0);
    private int _reads, _seen;

    public FakeClips(int count, Func<int, int>? frames = null, Func<int, int>? melFrames = null, Func<int, int>? samples = null, IEnumerable<int>? corrupt = null, Func<int, int>? widths = null,
        IReadOnlyList<(string Item, int Number)>? segments = null, int first = 0)
    {
        Clips = [.. Enumerable.Range(0, count).Select(i => new ClipEntry
        {
            Id = segments is null ? $"clip{first + i:D4}" : SegmentId.Of(segments[i].Item, segments[i].Number),
            Source = segments is null ? $"clip{first + i:D4}.mp4" : segments[i].Item,
            Start = segments is null ? 0 : segments[i].Number * 20 / 8.0, // a segment has 20 frames, and a last one may have fewer
            Duration = frames is null ? 0 : frames(i) / 8.0,
            Fps = 8,
            Width = widths?.Invoke(i) ?? Width,
            Height = Height,
            NumFrames = frames?.Invoke(i) ?? 20 + (i % 7),
            MelFrames = samples is null ? melFrames?.Invoke(i) ?? 60 + (i % 11) : 0,
            NumSamples = samples?.Invoke(i) ?? 0,
            AudioRate = 1600,
            Row = first + i,
        })];
        _corrupt = [.. corrupt ?? []];
    }

    public string Name { get; init; } = "fake";

    public IReadOnlyList<ClipEntry> Clips { get; }

    public Fingerprint Fingerprint { get; init; } = new() { Fps = 8, ShortSide = Height, SampleRate = 1600, NFft = 64, Hop = 60, Mels = Mels };

    public MelStatistics MelStatistics { get; init; } = new() { Mean = 100, Std = 50, Values = 1 };

    public int? Requests { get; init; }

    public bool Disposed { get; private set; }

    public int Reads => _reads;

    public static FeedOptions Options => new()
    {
        Seed = 5,
        BatchSize = 8,
        Frames = 6,
        FrameSize = 12,
        AudioFrames = 20,
        LocalVideoViews = 2,
        LocalFrames = 3,
        LocalFrameSize = 8,
        LocalAudioViews = 1,
        LocalAudioFrames = 7,
        Mel = new LogMelOptions { SampleRate = 1600, NFft = 64, Hop = 60, Mels = Mels },
        VideoTokens = 9,
        AudioTokens = 5,
        Workers = 2,
    };

    public static byte Pixel(int clip, int frame, int at) => (byte)((clip * 31) + (frame * 7) + (at % 13));

    public static float LogMel(int clip, int band, int frame) => (clip * 3 % 50) + band + (frame * 0.5f);

    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination)
    {
        Interlocked.Increment(ref _reads);
        _read.Release();
        Assert.InRange(firstFrame, 0, clip.NumFrames - count);
        Assert.Equal(count * clip.FrameBytes, destination.Length);
        Refuse(clip);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = Pixel(clip.Row, firstFrame + (i / clip.FrameBytes), i % clip.FrameBytes);
        }
    }

    public void ReadMel(ClipEntry clip, Span<Half> destination)
    {
        Refuse(clip);
        Assert.Equal(clip.MelFrames * Mels, destination.Length);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = (Half)LogMel(clip.Row, i / clip.MelFrames, i % clip.MelFrames);
        }
    }

    public void ReadPcm(ClipEntry clip, Span<short> destination)
    {
        Refuse(clip);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = (short)(((i * 37) + (clip.Row * 1000)) % 20000);
        }
    }

    /// <summary>Waits until that many windows were read in all.</summary>
    public async Task ReadsAsync(int count, CancellationToken cancellationToken)
    {
        for (; _seen < count; _seen++)
        {
            await _read.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The clips as a committed cache in a folder.</summary>
    public async Task<Cache> CommitAsync(string folder, CancellationToken cancellationToken)
    {
        await using var writer = await CacheWriter.OpenAsync(folder, Fingerprint, new CacheWriterOptions(), TimeProvider.System, cancellationToken);
        foreach (var clip in Clips)
        {
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            ReadFrames(clip, 0, clip.NumFrames, frames);
            var mel = new Half[clip.MelFrames * Mels];
            var pcm = new short[clip.NumSamples];
            ReadMel(clip, mel);
            ReadPcm(clip, pcm);
            ClipRecord record = new()
            {
                Id = clip.Id,
                SourceItem = clip.Id,
                Source = clip.Source,
                Duration = clip.NumFrames / clip.Fps,
                Fps = clip.Fps,
                Width = clip.Width,
                Height = clip.Height,
                NumFrames = clip.NumFrames,
                Frames = frames,
                MelFrames = clip.MelFrames,
                Mel = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray(),
                Pcm = MemoryMarshal.AsBytes(pcm.AsSpan()).ToArray(),
                AudioRate = clip.AudioRate,
                MelSum = mel.Sum(v => (double)v),
                MelSumSquares = mel.Sum(v => (double)v * (double)v),
            };
            await writer.AppendAsync(record, cancellationToken);
            await writer.SettleAsync(new LedgerEntry { Id = clip.Id, Source = clip.Source, State = ItemState.Committed }, cancellationToken);
        }

        await writer.CommitAsync(cancellationToken);
        return Cache.Open(folder);
    }

    public void Dispose() => Disposed = true;

    private void Refuse(ClipEntry clip)
    {
        if (_corrupt.Contains(clip.Row))
        {
            throw new CorruptCacheException("shards/0.parquet", clip.Row, "frames", "1", "2");
        }
    }
}
