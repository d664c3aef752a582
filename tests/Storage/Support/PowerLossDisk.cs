namespace Xkd.Storage.Tests;

/// <summary>
/// A disk whose unsynced part outlives the process only as a kernel's page cache would: beside the folder it keeps, in a second one, what has been
/// synced, so that whoever killed the process can look at what a power cut would have left. It can also call back before each step.
/// </summary>
/// <param name="folder">What is written; everything in it is seen while the machine runs.</param>
/// <param name="durable">Receives <c>content</c> (synced bytes by name) and <c>names</c> (synced names with their synced bytes).</param>
/// <param name="inPlace">The planted fault: nothing is synced, and a file has its final name from its first byte on.</param>
/// <param name="step">Called before each step with its name.</param>
internal sealed class PowerLossDisk(string folder, string durable, bool inPlace, Action<string> step) : IFileSystem
{
    private readonly LocalFileSystem _inner = new();

    /// <summary>Makes <paramref name="folder"/> what a restarted machine would find.</summary>
    public static void Restart(string folder, string durable, Loss loss)
    {
        var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : [];
        foreach (var path in files.Where(_ => loss != Loss.Nothing))
        {
            var kept = Path.Combine(durable, loss == Loss.Contents ? "content" : "names", Path.GetRelativePath(folder, path));
            if (!File.Exists(kept) && loss == Loss.ContentsAndNames)
            {
                File.Delete(path);
                continue;
            }

            File.WriteAllBytes(path, File.Exists(kept) ? File.ReadAllBytes(kept) : []);
        }

        var names = Path.Combine(durable, "names");
        var synced = loss == Loss.ContentsAndNames && Directory.Exists(names) ? Directory.GetFiles(names, "*", SearchOption.AllDirectories) : [];
        foreach (var path in synced)
        {
            var back = Path.Combine(folder, Path.GetRelativePath(names, path));
            Directory.CreateDirectory(Path.GetDirectoryName(back)!);
            File.Copy(path, back, overwrite: true);
        }
    }

    public void CreateDirectory(string path)
    {
        step("create folder " + Path.GetFileName(path));
        _inner.CreateDirectory(path);
    }

    public Stream CreateNew(string path)
    {
        step("create " + Path.GetFileName(path));
        if (!inPlace)
        {
            return new Stepped(_inner.CreateNew(path), () => step("write " + Path.GetFileName(path)));
        }

        var final = path[..^(".main.tmp".Length)];
        File.Delete(final);
        File.CreateSymbolicLink(path, final);
        return new Stepped(_inner.CreateNew(final), () => step("write " + Path.GetFileName(final)));
    }

    public void SyncFile(string path)
    {
        step("sync " + Path.GetFileName(path));
        if (!inPlace)
        {
            Put(path, In("content", path));
            if (File.Exists(In("names", path)))
            {
                Put(path, In("names", path));
            }
        }
    }

    public void SyncDirectory(string path)
    {
        step("sync folder " + Path.GetFileName(path));
        if (inPlace || !path.StartsWith(folder, StringComparison.Ordinal))
        {
            return;
        }

        foreach (var file in Directory.GetFiles(path).Where(f => Path.GetExtension(f) != ".lock"))
        {
            Put(In("content", file), In("names", file));
        }

        if (Directory.Exists(In("names", path)))
        {
            foreach (var gone in Directory.GetFiles(In("names", path)).Where(f => !File.Exists(Path.Combine(path, Path.GetFileName(f)))))
            {
                File.Delete(gone);
            }
        }
    }

    public void Rename(string from, string to)
    {
        step("rename to " + Path.GetFileName(to));
        if (inPlace)
        {
            File.Delete(from);
            return;
        }

        Move(from, to);
        _inner.Rename(from, to);
    }

    public bool TryLink(string existing, string name)
    {
        step("link " + Path.GetFileName(name));
        if (inPlace)
        {
            File.Delete(existing);
            return true;
        }

        if (!_inner.TryLink(existing, name))
        {
            return false;
        }

        Move(existing, name);
        return true;
    }

    public void Delete(string path)
    {
        step("delete " + Path.GetFileName(path));
        _inner.Delete(path);
    }

    public IDisposable? TryLock(string path) => _inner.TryLock(path);

    private void Move(string from, string to)
    {
        if (File.Exists(In("content", from)))
        {
            Put(In("content", from), In("content", to));
        }
    }

    // Whole or not at all: the process may be killed in here too.
    private void Put(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        var temporary = Path.Combine(durable, "copying");
        File.WriteAllBytes(temporary, File.Exists(from) ? File.ReadAllBytes(from) : []);
        File.Move(temporary, to, overwrite: true);
    }

    private string In(string part, string path) => Path.Combine(durable, part, Path.GetRelativePath(folder, path));

    /// <summary>Writes in two halves with a step before each, so that a kill finds a file half written.</summary>
    private sealed class Stepped(Stream inner, Action step) : Stream
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
            step();
            inner.Write(buffer[..(buffer.Length / 2)]);
            step();
            inner.Write(buffer[(buffer.Length / 2)..]);
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
