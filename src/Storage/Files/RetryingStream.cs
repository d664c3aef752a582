using Polly;

namespace Xkd.Storage;

/// <summary>
/// A file being written front to back whose single writes are tried again. The inner stream must keep its position when a write fails, as an
/// unbuffered <see cref="FileStream"/> does.
/// </summary>
internal sealed class RetryingStream(Stream inner, ResiliencePipeline retry) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => throw new NotSupportedException("a file is written front to back");
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (IOException e) when (TransientErrors.Has(e))
        {
            // Copied only here: a shard's blobs pass through without.
            var copy = buffer.ToArray();
            retry.Execute(() => inner.Write(copy));
        }
    }

    public override void Flush() => retry.Execute(inner.Flush);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("write-only");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a file is written front to back");

    public override void SetLength(long value) => throw new NotSupportedException("a file is written front to back");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
