namespace Xkd.Storage;

/// <summary>
/// A cache in an object store. An object appears whole or not at all and is seen by all at once, so there is nothing to rename or to sync; putting
/// only what is absent takes the place of the hard link. A shard is written and read back on the local disk and goes out when it is sealed.
/// </summary>
internal sealed class ObjectStore : ICacheStore
{
    /// <summary>Requests worth having under way at once: each waits some ten milliseconds for the service, whatever the cores.</summary>
    public const int Requests = 32;

    private const string Probe = CacheLayout.Locks + "conditional-put";
    private const string Alone = "alone"; // the one part, where the service cannot keep several writers apart

    private readonly ObjectAddress _address;
    private readonly ObjectStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ObjectBucket _bucket;
    private readonly Lazy<ScratchFolder> _scratch;
    private readonly Dictionary<string, (string Seen, long Since)> _others = new(StringComparer.Ordinal);
    private bool _conditional = true;

    public ObjectStore(string cache, ObjectStoreOptions options, TimeProvider time)
    {
        (_address, _options, _time) = (ObjectAddress.Parse(cache), options, time);
        _bucket = new ObjectBucket(_address, options, time);
        MakeRoom();
        _scratch = new Lazy<ScratchFolder>(() => new ScratchFolder(Path.Combine(options.Folder, "scratch")));
    }

    /// <summary>
    /// A call holds its thread until the service has answered, and the answer needs a thread of the pool to arrive on. With as many threads as cores, which is
    /// what the pool begins with, the first requests would hold all of them, and the pool adds others one at a time.
    /// </summary>
    private static void MakeRoom()
    {
        ThreadPool.GetMinThreads(out var workers, out var completion);
        var needed = Requests + Environment.ProcessorCount;
        if (workers < needed)
        {
            ThreadPool.SetMinThreads(needed, completion);
        }
    }

    public string Location => _address.ToString();

    public int Parallelism => Requests;

    public TimeSpan LockPatience => _options.Lease * 1.25;

    public string WriterMark { get; } = Guid.NewGuid().ToString("N")[..8];

    public string Absence() => $"nothing is committed at {Location}: make a cache with xkd ingest --out {Location}, or let it finish";

    public void Prepare() => _conditional = _bucket.PutsConditionally(Probe);

    public IReadOnlyList<StoredFile> List(string folder) => _bucket.List(folder);

    public byte[]? TryRead(string name, long most = long.MaxValue)
    {
        if (_bucket.Head(name) is not { } head)
        {
            return null;
        }

        var bytes = new byte[Math.Min(most, head.Bytes)];
        var read = ReadPieces(name, 0, bytes);
        return read == bytes.Length ? bytes : bytes[..read];
    }

    public Stream? TryOpen(string name)
    {
        var file = _scratch.Value.NewFile();
        return Download(name, file) ? new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.None, 1 << 16, FileOptions.DeleteOnClose) : null;
    }

    public LocalCopy Fetch(string name)
    {
        var file = _scratch.Value.NewFile();
        return new LocalCopy(file, temporary: Download(name, file));
    }

    public IShardBytes OpenShards(Manifest manifest) => new RemoteShards(manifest, _bucket, _options, _time);

    public bool TryPut(string name, byte[] content, string part)
    {
        if (_conditional)
        {
            // Its writer has just made sure of its lease: what is tried again for longer could appear after another has taken over.
            using CancellationTokenSource limit = new(_options.Lease * 0.75, _time);
            try
            {
                return _bucket.TryPut(name, content, limit.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                throw new FailureException($"cannot write {Location}/{name} within {_options.Lease.TotalSeconds * 0.75:0} s: check the service and AWS_ENDPOINT_URL_S3, and run the same command again; what was committed is safe");
            }
        }

        // Nobody else writes: the one lock that all parts share here says so.
        if (_bucket.Head(name) is not null)
        {
            return false;
        }

        _bucket.Put(name, content);
        return true;
    }

    public void Replace(string name, string part, Action<Stream> write)
    {
        var staged = Stage(name, part);
        using (staged.Stream)
        {
            write(staged.Stream);
        }

        Put(staged, name); // other writers may replace it at once: how long it is now says nothing
    }

    public StagedFile Stage(string name, string part)
    {
        var file = _scratch.Value.NewFile();
        return new StagedFile(file, new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16));
    }

    public void Publish(StagedFile staged, string name)
    {
        var bytes = new FileInfo(staged.Path).Length;
        Put(staged, name);
        _bucket.RequireBytes(name, bytes);
    }

    public void Delete(string name) => _bucket.Delete(name);

    public IPartLock? TryLock(string part)
    {
        var asked = _conditional ? part : Alone;
        return PartLease.TryTake(_bucket, asked, (generation, content) => IsGone(asked, $"{generation} {content}"), _options.Lease, _time);
    }

    public string Refusal(string part) => _conditional
        ? $"part {part} of cache {Location} is being written by {PartLease.Holder(_bucket, part) ?? "another process"}: wait for it, or give this one another part"
        : $"{Location} is being written by {PartLease.Holder(_bucket, Alone) ?? "another process"}, and its service does not put conditionally (If-None-Match), so that several writers could undo each other's work: "
            + "let one process write at a time, without --partition, or use a service that does";

    public void Dispose()
    {
        if (_scratch.IsValueCreated)
        {
            _scratch.Value.Dispose();
        }

        _bucket.Dispose();
    }

    private void Put(StagedFile staged, string name)
    {
        _bucket.PutFile(name, staged.Path);
        File.Delete(staged.Path);
    }

    // Unchanged for a whole lease, by this process's own clock.
    private bool IsGone(string part, string seen)
    {
        if (!_others.TryGetValue(part, out var before) || before.Seen != seen)
        {
            _others[part] = (seen, _time.GetTimestamp());
            return false;
        }

        return _time.GetElapsedTime(before.Since) >= _options.Lease;
    }

    private bool Download(string name, string file)
    {
        if (_bucket.Head(name) is not { } head)
        {
            return false;
        }

        using FileStream copy = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
        var piece = new byte[Math.Min(_bucket.Piece, head.Bytes)];
        for (long done = 0; done < head.Bytes;)
        {
            var read = _bucket.Read(name, done, piece.AsMemory(0, (int)Math.Min(piece.Length, head.Bytes - done))) ?? 0;
            if (read == 0)
            {
                break; // it was replaced by a shorter one meanwhile; what is there counts
            }

            copy.Write(piece, 0, read);
            done += read;
        }

        return true;
    }

    private int ReadPieces(string name, long offset, Memory<byte> destination)
    {
        var done = 0;
        while (done < destination.Length)
        {
            var read = _bucket.Read(name, offset + done, destination.Slice(done, Math.Min(_bucket.Piece, destination.Length - done)))
                ?? throw new FileNotFoundException($"no object {Location}/{name}");
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return done;
    }
}
