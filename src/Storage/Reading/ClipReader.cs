namespace Xkd.Storage;
public sealed class ClipReader(Cache cache) : IDisposable
{
    public Cache Cache { get; } = cache;
    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination) => throw new NotSupportedException();
    public void ReadMel(ClipEntry clip, Span<Half> destination) => throw new NotSupportedException();
    public void ReadPcm(ClipEntry clip, Span<short> destination) => throw new NotSupportedException();
    public void Dispose() { }
}
