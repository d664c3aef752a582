using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A committed cache as a feed's source.</summary>
internal sealed class CacheClipSource(Cache cache) : IClipSource
{
    private readonly ClipReader _reader = new(cache);

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
