using System.Globalization;

namespace Xkd.Storage;

/// <summary>
/// The versions of a cache as one writer continues them. A version is put in place unless another process has put one of its number; then this writer follows
/// that one, and grows from there.
/// </summary>
/// <param name="store">The cache.</param>
/// <param name="fingerprint">How its clips are prepared.</param>
/// <param name="options">The writer's part.</param>
/// <param name="held">The right to write that part.</param>
/// <param name="time">The clock.</param>
/// <param name="followed">Told the version before and the newer one of others before the next grows from that; null before the first. What it throws stops the commit.</param>
internal sealed class ManifestChain(
    ICacheStore store, Fingerprint fingerprint, CacheWriterOptions options, IPartLock held, TimeProvider time, Action<Manifest?, Manifest> followed)
{
    private readonly ManifestStore _manifests = new(store, options.Converting);
    private int _sure; // a version that is one of this sequence: the head as it was listed, or as this writer put it; 0: to be listed

    /// <summary>The version in force, as far as this writer knows; null before the first.</summary>
    public Manifest? Head { get; private set; }

    /// <summary>The highest number in the names of this part's files.</summary>
    public int Number { get; private set; }

    /// <summary>How often another process was faster.</summary>
    public int Lost { get; private set; }

    /// <summary>Takes the newest version for the head. Of a part that was taken over nothing appears any more that was sent before.</summary>
    public void Open()
    {
        Look();
        if (held.TakenOver)
        {
            Fence();
        }

        Number = Committed(Head);
    }

    /// <summary>
    /// Puts a version that adds nothing. The next version may be on its way from a writer whose part was taken over, sent while it still held the part: with
    /// another of that number in place it comes too late, and its writer finds that out.
    /// </summary>
    public void Fence()
    {
        do
        {
            Number = Committed(Head);
        }
        while (!TryPut(Next()) && Look());
    }

    /// <summary>A name for the next file of this part.</summary>
    public int TakeNumber() => ++Number;

    /// <summary>Puts a file with the current number in place.</summary>
    /// <exception cref="FailureException">It is there already.</exception>
    public StoredPart Put(string folder, byte[] bytes)
    {
        var name = CacheLayout.File(folder, options.Part, Number, store.WriterMark);
        return store.TryPut(name, bytes, options.Part)
            ? Segments.Describe(name, bytes)
            : throw new FailureException($"{store.Location}/{name} is there already: another process writes part {options.Part}; let it finish");
    }

    /// <summary>Puts an index of these rows in place, which lie in these shards.</summary>
    public async Task<StoredPart> PutIndexAsync(IReadOnlyList<ClipEntry> rows, IReadOnlyList<ShardEntry> shards)
    {
        var index = Put(CacheLayout.Indexes, await IndexFile.WriteAsync(rows, shards));
        _manifests.Know(index, shards);
        return index;
    }

    /// <summary>Follows what others have put in place.</summary>
    /// <returns>Whether they have.</returns>
    public bool Follow()
    {
        var before = Head;
        if (!Look())
        {
            return false;
        }

        if (Committed(Head) != Committed(before))
        {
            throw new FailureException(
                $"part {options.Part} of {store.Location} was continued by another process meanwhile: let that one finish; nothing of this commit was kept");
        }

        followed(before, Head!);
        return true;
    }

    /// <summary>Puts a version in place; where another process is faster, one that grows from its version, and so on.</summary>
    /// <param name="grow">Told the next version as it would be without a change. Null: there is nothing to change any more.</param>
    /// <returns>Whether there is such a version now.</returns>
    public async Task<bool> PutAsync(Func<Manifest, Task<Manifest?>> grow)
    {
        while (await grow(Next()) is { } next)
        {
            if (TryPut(next with { Parts = Next().Parts })) // by the numbers that files took meanwhile
            {
                return true;
            }

            Lost++;
            Follow();
        }

        return false;
    }

    /// <summary>The same for a change that puts files of its own in place: those of a version that another process forestalled are removed.</summary>
    public async Task ChangeAsync(Func<Manifest, Func<string, byte[], StoredPart>, Task<Manifest?>> change)
    {
        List<string> made = [];
        await PutAsync(async next =>
        {
            made.ForEach(store.Delete);
            made.Clear();
            return await change(next, (folder, bytes) => Put(folder, bytes, made));
        });
    }

    /// <summary>
    /// Merges segments while there are enough. Only the writer whose commit completes a group does so, or each of many would. Others commit meanwhile: what was
    /// merged then takes its place in their version.
    /// </summary>
    public async Task MergeAsync()
    {
        for (var due = Segments.IsCompleted(Head!) ? Segments.Due(Head!) : []; due.Length > 0; due = Segments.Due(Head!))
        {
            List<string> made = [];
            var merged = await Segments.MergeAsync(store, _manifests, Head!, due, (folder, bytes) => Put(folder, bytes, made));
            if (!await PutAsync(next => Task.FromResult(Segments.Replace(next, due, merged))))
            {
                made.ForEach(store.Delete); // by another writer, or by an edit of all of them
            }
        }
    }

    private StoredPart Put(string folder, byte[] bytes, List<string> made)
    {
        TakeNumber();
        var file = Put(folder, bytes);
        made.Add(file.Path);
        return file;
    }

    private bool TryPut(Manifest next)
    {
        held.Require();
        if (!_manifests.TryPut(next, options.Part))
        {
            return false;
        }

        // Where the versions before are gone, vacuum removed them while this writer slept: it did so from the lowest on, the number was free for that reason,
        // and no reader sees this version.
        if (_sure > 0 && store.TryRead(CacheLayout.Manifest(_sure), most: 1) is null && !IsInForce(next))
        {
            store.Delete(CacheLayout.Manifest(next.Version));
            _sure = 0;
            return false;
        }

        Head = _manifests.Listing(next);
        _sure = next.Version;
        return true;
    }

    // Or vacuum removed those versions only now, with this one in place, and others have grown from it.
    private bool IsInForce(Manifest put) =>
        _manifests.Head() is { } newest && (newest.Version == put.Version || (Committed(newest) == Number && Committed(Head) != Number));

    // Whether there is a newer version than the head, which is the head from then on.
    private bool Look()
    {
        var newer = _sure > 0 ? _manifests.After(Head) : _manifests.Head();
        if (newer is null || newer.Version == Head?.Version)
        {
            return false;
        }

        _sure = _sure > 0 ? _sure : newer.Version;
        Head = _manifests.Listing(newer);
        if (Head.Fingerprint.Differences(fingerprint) is { Count: > 0 } differences)
        {
            throw new FingerprintMismatchException(store.Location, differences);
        }

        return true;
    }

    private Manifest Next() => (Head ?? new Manifest { Version = 0, Created = "", Fingerprint = fingerprint }) with
    {
        Version = (Head?.Version ?? 0) + 1,
        Parent = Head?.Version,
        Created = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
        Parts =
        [
            .. (Head?.Parts ?? []).Where(p => p.Name != options.Part).Append(new Part(options.Part, Math.Max(1, Number)))
                .OrderBy(p => p.Name, StringComparer.Ordinal),
        ],
    };

    private int Committed(Manifest? manifest) => manifest?.Parts.FirstOrDefault(p => p.Name == options.Part)?.Number ?? 0;
}
