using System.IO.Hashing;

namespace Xkd.Storage;

/// <summary>A write-only stream that keeps the XXH3 of what went through it: what was meant to be on disk, to compare with what is read back.</summary>
internal sealed class ChecksumStream(Stream inner) : Stream
{
    private readonly XxHash3 _hash = new();
    private long _position;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _position;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException("a shard is written front to back");
    }

    /// <summary>XXH3 of what was written since the last call.</summary>
    public ulong TakeHash()
    {
        var hash = _hash.GetCurrentHashAsUInt64();
        _hash.Reset();
        return hash;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        _hash.Append(buffer);
        _position += buffer.Length;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("write-only");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a shard is written front to back");

    public override void SetLength(long value) => throw new NotSupportedException("a shard is written front to back");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
