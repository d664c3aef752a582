using System.Globalization;

namespace Xkd.Storage;

/// <summary>
/// The one stage that writes a cache. Clips are appended under their source item; settling the item decides them; a commit makes all settled
/// items and their ledger lines visible together, as a new manifest version. Not thread-safe.
/// <para>A commit's steps: temporary shard → close → read back → sync → rename → sync folder → ledger lines → sync → manifest, put if absent
/// → sync folder → merged ledger. A crash between any two leaves the manifest before it in force; the next opening removes what is left over.</para>
/// </summary>
public sealed class CacheWriter : IAsyncDisposable
{
    private readonly ICacheStore _store;
    private readonly Fingerprint _fingerprint;
    private readonly CacheWriterOptions _options;
    private readonly TimeProvider _time;
    private readonly IPartLock _lock;
    private readonly ManifestStore _manifests;
    private readonly LedgerStore _ledgers;
    private readonly Dictionary<string, List<StagedClip>> _pending = new(StringComparer.Ordinal);
    private readonly HashSet<string> _clipIds = new(StringComparer.Ordinal);
    private readonly List<LedgerEntry> _settled = [];
    private readonly List<ShardEntry> _sealed = [];
    private MelStatistics _sealedMel = new();
    private Dictionary<string, LedgerEntry> _ledger = new(StringComparer.Ordinal);
    private Manifest? _head;
    private LedgerPart? _own;
    private ShardWriter? _shard;
    private int _nextShard = 1;
    private bool _failed;

    private CacheWriter(ICacheStore store, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, IPartLock held)
    {
        (_store, _fingerprint, _options, _time, _lock) = (store, fingerprint, options, time, held);
        _manifests = new ManifestStore(store);
        _ledgers = new LedgerStore(store);
    }

    /// <summary>Settled source items by id, committed or failed, those of this session included: what a run skips.</summary>
    public IReadOnlyDictionary<string, LedgerEntry> Ledger => _ledger;

    /// <summary>The manifest in force; null before the first commit.</summary>
    public Manifest? Head => _head;

    /// <summary>Opens a cache for writing, or begins one in an empty or absent folder, and removes what dead writers left there.</summary>
    /// <exception cref="FingerprintMismatchException">The cache was prepared otherwise.</exception>
    /// <exception cref="UsageException">The folder holds other things, or another process writes this part.</exception>
    /// <exception cref="FailureException">The newest manifest or the ledger is damaged, or the folder cannot be written.</exception>
    public static Task<CacheWriter> OpenAsync(string cache, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, CancellationToken ct) =>
        OpenAsync(CacheStores.Open(cache, time), fingerprint, options, time, ct);

    internal static Task<CacheWriter> OpenAsync(string cache, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, IFileSystem disk, CancellationToken ct) =>
        OpenAsync(new LocalStore(cache, new RetryingFileSystem(disk, time)), fingerprint, options, time, ct);

    /// <summary>Opens a cache in a store, which then belongs to the writer.</summary>
    internal static async Task<CacheWriter> OpenAsync(ICacheStore store, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, CancellationToken ct)
    {
        CacheWriterCheck.Require(store.Location, fingerprint, options);
        return await DiskErrors.GuardAsync(store.Location, async () =>
        {
            store.Prepare();
            CacheWriter writer = new(store, fingerprint, options, time, await PartLock.AcquireAsync(store, options.Part, time, ct));
            try
            {
                writer.Recover();
                return writer;
            }
            catch
            {
                await writer.DisposeAsync();
                throw;
            }
        });
    }

    /// <summary>Adds a clip to its source item. Copies what it keeps.</summary>
    /// <exception cref="UsageException">The cache has a clip of that id, or its item is committed already.</exception>
    /// <exception cref="ArgumentException">The clip's parts disagree with each other or with the fingerprint.</exception>
    public Task AppendAsync(ClipRecord clip, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ct.ThrowIfCancellationRequested();
        RequireUsable();
        ClipCheck.Require(clip, _fingerprint);
        RequireOpen(clip.SourceItem);
        if (!_clipIds.Add(clip.Id))
        {
            throw new UsageException($"clip id {clip.Id} appears twice (second time under item {clip.SourceItem}): ids must be unique in a cache");
        }

        if (!_pending.TryGetValue(clip.SourceItem, out var clips))
        {
            _pending.Add(clip.SourceItem, clips = []);
        }

        clips.Add(new StagedClip(clip, _fingerprint, _options.JpegQuality));
        return Task.CompletedTask;
    }

    /// <summary>
    /// Gives a source item its final state. Committed: its clips go to the open shard and become visible, with this line, at the next commit.
    /// Failed: its clips, if any, are dropped. A full shard is sealed here, and committed unless the cache is already large (see remarks).
    /// </summary>
    /// <remarks>A manifest lists every row, so one per shard would cost the square of the cache's size; a commit is due after a sixty-fourth more shards.</remarks>
    /// <exception cref="ArgumentException">Committed without clips.</exception>
    /// <exception cref="UsageException">The item is committed already.</exception>
    public async Task SettleAsync(LedgerEntry entry, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentException.ThrowIfNullOrEmpty(entry.Id);
        ct.ThrowIfCancellationRequested();
        RequireUsable();
        RequireOpen(entry.Id);
        _pending.Remove(entry.Id, out var clips);
        if (entry.State == ItemState.Failed)
        {
            clips?.ForEach(Drop);
        }
        else if (clips is null)
        {
            throw new ArgumentException($"item {entry.Id} is committed without a clip", nameof(entry));
        }
        else
        {
            await GuardAsync(async () =>
            {
                foreach (var clip in clips)
                {
                    _shard ??= await ShardWriter.CreateAsync(_store, _options, _nextShard++);
                    await _shard.AddAsync(clip, _fingerprint.Mels);
                }
            });
        }

        _settled.Add(entry);
        _ledger[entry.Id] = entry;
        if (_shard is not null && (_shard.Bytes >= _options.ShardBytes || _shard.Rows >= _options.ShardRows))
        {
            await GuardAsync(SealAsync);
            if (_sealed.Count > (_head?.Shards.Count ?? 0) / 64)
            {
                await CommitAsync(ct);
            }
        }
    }

    /// <summary>Makes every settled item visible. Without any since the last commit it returns the manifest in force; an untouched cache gets its first.</summary>
    /// <exception cref="FingerprintMismatchException">Another process committed with another preparation meanwhile.</exception>
    /// <exception cref="FailureException">The disk failed, or another part committed one of the same items. Nothing of this commit is visible.</exception>
    public async Task<Manifest> CommitAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        RequireUsable();
        if (_head is not null && _settled.Count == 0)
        {
            return _head;
        }

        await GuardAsync(async () =>
        {
            await SealAsync();
            Publish();
        });
        return _head!;
    }

    /// <summary>Abandons what was not committed. Never throws.</summary>
    public ValueTask DisposeAsync()
    {
        _failed = true;
        foreach (var clip in _pending.Values.SelectMany(c => c))
        {
            clip.Dispose();
        }

        _pending.Clear();
        _shard?.Dispose();
        try
        {
            new Leftovers(_store).Remove(_options.Part, _lock, _manifests.Head());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or XkdException)
        {
            // Leftovers do no harm: the next opening removes them, or says what is wrong with the folder. They are not ours any more where the part was taken over.
        }

        _lock.Dispose();
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Recover()
    {
        _head = _manifests.Head();
        _own = Own(_head);
        RequireSameFingerprint();
        new Leftovers(_store).Remove(_options.Part, _lock, _head);
        _ledger = _head is null ? _ledger : _ledgers.Read(_head);
        _nextShard = 1 + (_head?.Shards.Select(s => CacheLayout.ParseShard(s.Path)).Where(s => s?.Part == _options.Part).Max(s => s?.Number) ?? 0);
        if (_head is not null && !_ledgers.IsMerged(_ledger))
        {
            // A writer may have died between its manifest and this file.
            _ledgers.WriteMerged(_ledger, _options.Part);
        }
    }

    private async Task SealAsync()
    {
        if (_shard is null)
        {
            return;
        }

        using var shard = _shard;
        _shard = null;
        _sealed.Add(await shard.SealAsync(_fingerprint.Mels));
        _sealedMel = _sealedMel.Add(shard.Mel.Frames, shard.Mel.Values, shard.Mel.Sum, shard.Mel.SumSquares);
    }

    private void Publish()
    {
        _lock.Require();
        JoinNewerHead();
        var lines = _settled.Count == 0 ? _own : _ledgers.Append(_own, _options.Part, _settled);
        while (true)
        {
            _lock.Require();
            var next = Next(lines);
            if (_manifests.TryPut(next, _options.Part))
            {
                _head = next;
                _own = lines;
                break;
            }

            JoinNewerHead();
        }

        _settled.Clear();
        _sealed.Clear();
        _sealedMel = new MelStatistics();
        do
        {
            // Of two parts that commit at once, the slower must not leave its older merge in place: whoever writes last looks again.
            _ledgers.WriteMerged(_ledger, _options.Part);
        }
        while (JoinNewerHead());

        // What a shard, its index and these texts took has grown old by now, and the runtime is slow to look among what is old, and slower to close
        // the gaps: an ingest of days would seem to creep. Milliseconds, beside a commit's syncs.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    // Another part committed first: this commit grows from its version.
    private bool JoinNewerHead()
    {
        var head = _manifests.Versions() is [int newest, ..] && newest != _head?.Version ? _manifests.Head() : _head;
        if (head is null || head.Version == _head?.Version)
        {
            return false;
        }

        if (Own(head) != _own)
        {
            throw new FailureException($"part {_options.Part} of {_store.Location} was continued by another process meanwhile: let that one finish; nothing of this commit was kept");
        }

        _head = head;
        RequireSameFingerprint();
        var merged = _ledgers.Read(head);
        foreach (var entry in _settled)
        {
            if (merged.TryGetValue(entry.Id, out var other) && other.State == ItemState.Committed)
            {
                throw new FailureException($"item {entry.Id} was committed by another process meanwhile: give each process its own partition; nothing of this commit was kept");
            }

            LedgerText.Merge(merged, entry);
        }

        _ledger = merged;
        return true;
    }

    private Manifest Next(LedgerPart? lines)
    {
        var others = _head?.Ledger.Where(p => p.Part != _options.Part) ?? [];
        var mel = (_head?.Mel ?? new MelStatistics()).Add(_sealedMel.Frames, _sealedMel.Values, _sealedMel.Sum, _sealedMel.SumSquares);
        return new Manifest
        {
            Version = (_head?.Version ?? 0) + 1,
            Parent = _head?.Version,
            Created = _time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
            Fingerprint = _fingerprint,
            Clips = (_head?.Clips ?? 0) + _sealed.Sum(s => s.Rows),
            Mel = mel,
            Origins = [.. (_head?.Origins ?? []).Concat(_options.Origin is { } origin ? [origin] : []).Distinct()],
            Shards = [.. _head?.Shards ?? [], .. _sealed],
            Ledger = [.. (lines is null ? others : others.Append(lines)).OrderBy(p => p.Part, StringComparer.Ordinal)],
        };
    }

    private LedgerPart? Own(Manifest? manifest) => manifest?.Ledger.FirstOrDefault(p => p.Part == _options.Part);

    private void RequireSameFingerprint()
    {
        if (_head?.Fingerprint.Differences(_fingerprint) is { Count: > 0 } differences)
        {
            throw new FingerprintMismatchException(_store.Location, differences);
        }
    }

    private void RequireOpen(string item)
    {
        if (_ledger.TryGetValue(item, out var entry) && entry.State == ItemState.Committed)
        {
            throw new UsageException($"item {item} is committed already: a source item ends in exactly one state");
        }
    }

    private void RequireUsable()
    {
        if (_failed)
        {
            throw new InvalidOperationException("this writer was disposed or has failed; open the cache again");
        }
    }

    private void Drop(StagedClip clip)
    {
        _clipIds.Remove(clip.Row.Id);
        clip.Dispose();
    }

    // After an error the shard and the ledger in memory are of unknown state: only opening again, from the manifest, is safe.
    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await DiskErrors.GuardAsync(_store.Location, async () =>
            {
                await work();
                return true;
            });
        }
        catch
        {
            _failed = true;
            throw;
        }
    }
}
