namespace Xkd.Storage.Tests;

/// <summary>What happens to what was not synced when the machine stops.</summary>
internal enum Loss
{
    /// <summary>Only the process dies (kill -9): the kernel still has everything.</summary>
    Nothing,

    /// <summary>Power fails; names reached the disk, unsynced contents did not.</summary>
    Contents,

    /// <summary>Power fails; neither unsynced contents nor unsynced names reached the disk.</summary>
    ContentsAndNames,
}

/// <summary>The machine stopped: every step from here on fails.</summary>
internal sealed class CrashException() : IOException("the machine stopped");

/// <summary>
/// A disk that stops before a chosen step and then forgets what was not synced. Steps: every call that changes something, and the first write to
/// every file. The faults are those a writer could have: a sync left out, a rename left out.
/// </summary>
internal sealed class SimulatedDisk : IFileSystem
{
    private readonly LocalFileSystem _inner = new();
    private readonly Dictionary<string, byte[]> _unsynced = new(StringComparer.Ordinal);
    private readonly List<(string Folder, Action Undo)> _unsyncedNames = [];
    private bool _stopped;

    public int StopBefore { get; init; } = int.MaxValue;

    public bool SkipFileSync { get; init; }

    public bool SkipDirectorySync { get; init; }

    public bool SkipRename { get; init; }

    public int Steps { get; private set; }

    /// <summary>Makes the folder what a restarted machine would find.</summary>
    public void Restart(Loss loss)
    {
        if (loss == Loss.Nothing)
        {
            return;
        }

        foreach ((var path, var synced) in _unsynced.Where(f => File.Exists(f.Key)))
        {
            File.WriteAllBytes(path, synced);
        }

        if (loss == Loss.ContentsAndNames)
        {
            foreach ((_, var undo) in Enumerable.Reverse(_unsyncedNames))
            {
                undo();
            }
        }
    }

    public void CreateDirectory(string path)
    {
        Step();
        _inner.CreateDirectory(path);
    }

    public Stream CreateNew(string path)
    {
        Step();
        var file = _inner.CreateNew(path);
        _unsynced[path] = [];
        Named(path, () => File.Delete(path));
        return new Tracked(file, this);
    }

    public void SyncFile(string path)
    {
        Step();
        if (!SkipFileSync)
        {
            _unsynced.Remove(path);
        }
    }

    public void SyncDirectory(string path)
    {
        Step();
        if (!SkipDirectorySync)
        {
            _unsyncedNames.RemoveAll(n => n.Folder == path);
        }
    }

    public void Rename(string from, string to)
    {
        Step();
        if (SkipRename)
        {
            return;
        }

        var replaced = File.Exists(to) ? File.ReadAllBytes(to) : null;
        _inner.Rename(from, to);
        Moved(from, to, replaced);
    }

    public bool TryLink(string existing, string name)
    {
        Step();
        if (!_inner.TryLink(existing, name))
        {
            return false;
        }

        Moved(existing, name, null);
        return true;
    }

    public void Delete(string path)
    {
        Step();
        if (File.Exists(path))
        {
            var content = File.ReadAllBytes(path);
            _inner.Delete(path);
            Named(path, () => File.WriteAllBytes(path, content));
        }
    }

    public IDisposable? TryLock(string path) => _inner.TryLock(path);

    private void Moved(string from, string to, byte[]? replaced)
    {
        if (_unsynced.Remove(from, out var synced))
        {
            _unsynced[to] = synced;
        }

        Named(to, () =>
        {
            if (File.Exists(to))
            {
                File.Move(to, from, overwrite: true);
            }

            if (replaced is not null)
            {
                File.WriteAllBytes(to, replaced);
            }
        });
    }

    private void Named(string path, Action undo) => _unsyncedNames.Add((Path.GetDirectoryName(path)!, undo));

    private void Step()
    {
        _stopped |= Steps >= StopBefore;
        if (_stopped)
        {
            throw new CrashException();
        }

        Steps++;
    }

    private sealed class Tracked(Stream inner, SimulatedDisk disk) : Stream
    {
        private bool _begun;

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
            if (!_begun)
            {
                disk.Step();
            }

            _begun = true;
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
