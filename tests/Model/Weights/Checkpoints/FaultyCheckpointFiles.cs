using Xkd.Model.Weights;

namespace Xkd.Model.Tests.Training;

/// <summary>The real disk, until a given operation fails: once (a full disk) or for good (the process was killed).</summary>
internal sealed class FaultyCheckpointFiles(int failAt, Func<Exception> fault, bool forGood) : ICheckpointFiles
{
    private readonly CheckpointFiles _real = new();
    private int _operations;

    public bool Failed { get; private set; }

    public void CreateFolder(string path) => Do(() => _real.CreateFolder(path));

    public Stream CreateFile(string path)
    {
        Do(() => { });
        return new FaultyFile(this, _real.CreateFile(path));
    }

    public void Sync(Stream file) => Do(() => _real.Sync(((FaultyFile)file).Inner));

    public void SyncFolder(string path) => Do(() => _real.SyncFolder(path));

    public void MoveFolder(string from, string to) => Do(() => _real.MoveFolder(from, to));

    public void DeleteFolder(string path)
    {
        // A kill may come when half of the folder is gone.
        var last = Directory.GetFiles(path).Order(StringComparer.Ordinal).FirstOrDefault();
        if (last is not null)
        {
            Do(() => File.Delete(last));
        }

        Do(() => _real.DeleteFolder(path));
    }

    private void Do(Action action)
    {
        _operations++;
        if (_operations == failAt || (forGood && Failed))
        {
            Failed = true;
            throw fault();
        }

        action();
    }

    private sealed class FaultyFile(FaultyCheckpointFiles files, Stream inner) : Stream
    {
        public Stream Inner => inner;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            // Half of it reaches the disk before the fault.
            inner.Write(buffer[..(buffer.Length / 2)]);
            inner.Flush();
            files.Do(() => { });
            inner.Write(buffer[(buffer.Length / 2)..]);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
