using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A source within a mix, or one that is by itself: the clips from <paramref name="First"/> on are its own.</summary>
internal readonly record struct SourceMember(IClipSource Source, int First, int Count, double? Weight);

/// <summary>The clips a feed reads: a cache, a mix of several, or a test's stand-in. Reads are thread-safe.</summary>
internal interface IClipSource : IDisposable
{
    /// <summary>Names the source in errors.</summary>
    string Name { get; }

    /// <summary>Of a cache, sorted by id.</summary>
    IReadOnlyList<ClipEntry> Clips { get; }

    /// <summary>What it is mixed of, in the order of its clips.</summary>
    IReadOnlyList<SourceMember> Members => [new SourceMember(this, 0, Clips.Count, Weight: null)];

    Fingerprint Fingerprint { get; }

    MelStatistics MelStatistics { get; }

    /// <summary>What the clips were ingested from; empty where that is not known.</summary>
    IReadOnlyList<IngestOrigin> Origins => [];

    /// <summary>Reads worth having under way at once where each waits for a network; null where the source is a disk.</summary>
    int? Requests => null;

    /// <summary>Names a clip's cache in errors; null where there is only one.</summary>
    string? CacheOf(ClipEntry clip) => null;

    /// <inheritdoc cref="ClipReader.ReadFrames"/>
    void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination);

    /// <inheritdoc cref="ClipReader.ReadMel"/>
    void ReadMel(ClipEntry clip, Span<Half> destination);

    /// <inheritdoc cref="ClipReader.ReadPcm"/>
    void ReadPcm(ClipEntry clip, Span<short> destination);
}

/// <summary>A committed cache as a feed's source.</summary>
/// <param name="cache">The cache.</param>
internal sealed class CacheClipSource(Cache cache) : IClipSource
{
    private readonly ClipReader _reader = new(cache);

    public int? Requests => _reader.Requests;

    public string Name => cache.Path;

    public IReadOnlyList<ClipEntry> Clips => cache.Clips;

    public Fingerprint Fingerprint => cache.Manifest.Fingerprint;

    public MelStatistics MelStatistics => cache.Mel;

    public IReadOnlyList<IngestOrigin> Origins => cache.Manifest.Origins;

    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination) => _reader.ReadFrames(clip, firstFrame, count, destination);

    public void ReadMel(ClipEntry clip, Span<Half> destination) => _reader.ReadMel(clip, destination);

    public void ReadPcm(ClipEntry clip, Span<short> destination) => _reader.ReadPcm(clip, destination);

    public void Dispose() => _reader.Dispose();
}
