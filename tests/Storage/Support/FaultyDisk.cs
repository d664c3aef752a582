namespace Xkd.Storage.Tests;

/// <summary>Error numbers of the operating system that a disk may answer with.</summary>
internal enum Errno
{
    Interrupted = 4,
    InputOutput = 5,
    TryAgain = 11,
    NoSpace = 28,
    TimedOut = 110,
    Stale = 116,
}

/// <summary>A disk that answers with errors. Operations are counted; the plan says which of them fail, and with what.</summary>
/// <param name="plan">Given an operation's number, from 0, and whether it writes bytes: the error it meets, or none.</param>
/// <param name="tookEffect">Whether a name-giving call that fails has done its work all the same, as a network file system's may.</param>
internal sealed class FaultyDisk(Func<int, bool, Errno?> plan, bool tookEffect = false) : IFileSystem
{
    private readonly LocalFileSystem _inner = new();

    public int Operations { get; private set; }

    public int Faults { get; private set; }

    public void CreateDirectory(string path)
    {
        Meet();
        _inner.CreateDirectory(path);
    }

    public Stream CreateNew(string path)
    {
        Meet();
        return new Faulty(_inner.CreateNew(path), this);
    }

    public void SyncFile(string path)
    {
        Meet();
        _inner.SyncFile(path);
    }

    public void SyncDirectory(string path)
    {
        Meet();
        _inner.SyncDirectory(path);
    }

    public void Rename(string from, string to) => Name(() =>
    {
        _inner.Rename(from, to);
        return true;
    });

    public bool TryLink(string existing, string name) => Name(() => _inner.TryLink(existing, name));

    public void Delete(string path)
    {
        Meet();
        _inner.Delete(path);
    }

    public IDisposable? TryLock(string path)
    {
        Meet();
        return _inner.TryLock(path);
    }

    private bool Name(Func<bool> work)
    {
        var error = Next(writes: false);
        var done = (error is null || tookEffect) && work();
        return error is { } met ? throw Error(met) : done;
    }

    private void Meet(bool writes = false)
    {
        if (Next(writes) is { } error)
        {
            throw Error(error);
        }
    }

    private Errno? Next(bool writes)
    {
        var error = plan(Operations++, writes);
        Faults += error is null ? 0 : 1;
        return error;
    }

    private static IOException Error(Errno error) => new($"errno {(int)error} ({error})", (int)error);

    /// <summary>A write that fails may have put half of its bytes down; the position stays, as a <see cref="FileStream"/>'s does.</summary>
    private sealed class Faulty(Stream inner, FaultyDisk disk) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (disk.Next(writes: true) is { } error)
            {
                var begin = inner.Position;
                inner.Write(buffer[..(buffer.Length / 2)]);
                inner.Position = begin;
                throw Error(error);
            }

            inner.Write(buffer);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
