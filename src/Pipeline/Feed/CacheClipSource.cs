using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A committed cache as a feed's source.</summary>
/// <param name="cache">The cache.</param>
/// <param name="resident">Bytes of its shards that may be present as the process's own memory at once.</param>
internal sealed class CacheClipSource(Cache cache, long resident = 32 << 20) : IClipSource
{
    private readonly ClipReader _reader = new(cache);

    public long ResidentBytes => Math.Min(0, resident);

    public int? Requests => _reader.Requests;

    public string Name => cache.Path;

    public IReadOnlyList<ClipEntry> Clips => cache.Clips;

    public Fingerprint Fingerprint => cache.Manifest.Fingerprint;

    public MelStatistics MelStatistics => cache.Manifest.Mel;

    public IReadOnlyList<IngestOrigin> Origins => cache.Manifest.Origins;

    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination) => _reader.ReadFrames(clip, firstFrame, count, destination);

    public void ReadMel(ClipEntry clip, Span<Half> destination) => _reader.ReadMel(clip, destination);

    public void ReadPcm(ClipEntry clip, Span<short> destination) => _reader.ReadPcm(clip, destination);

    public void Dispose() => _reader.Dispose();
}
