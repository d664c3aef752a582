using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>
/// The one stage that writes a cache. Clips are appended under their source item; settling the item decides them; a commit makes all settled items and their
/// ledger lines visible together, as a new manifest version. Not thread-safe.
/// <para>A commit's steps: temporary shard → close → read back → sync → rename → sync folder → index and ledger lines, put if absent → manifest, put if absent.
/// A crash between any two leaves the manifest before it in force; the next opening removes what is left over.</para>
/// </summary>
public sealed class CacheWriter : IAsyncDisposable
{
    internal const int SmallLedger = 1000; // items up to which every commit writes all lines anew
    private const int KeptBytes = 8 << 20, KeptBuffers = 16; // of a buffer, and of each size: those of a row group
    private const int RestAfter = 20; // times what a commit took that others forestalled: many writers spend a twentieth of their time on each other, not all of it
    private readonly ICacheStore _store;
    private readonly Fingerprint _fingerprint;
    private readonly CacheWriterOptions _options;
    private readonly TimeProvider _time;
    private readonly IPartLock _lock;
    private readonly ManifestChain _chain;
    private readonly LedgerStore _ledgers;
    private readonly Dictionary<string, List<StagedClip>> _pending = new(StringComparer.Ordinal);
    private readonly HashSet<string> _clipIds = new(StringComparer.Ordinal);
    private readonly List<LedgerEntry> _settled = [];
    private readonly Dictionary<string, LedgerEntry?> _before = new(StringComparer.Ordinal); // of each of them the line that it replaces
    private readonly ReopenedItems _reopened;
    private readonly List<ShardEntry> _sealed = [];
    private readonly List<ClipEntry> _rows = [];
    private ArrayPool<byte> _buffers = ArrayPool<byte>.Create(KeptBytes, KeptBuffers); // of its own: the shared pool keeps what a long clip took, for each thread anew
    private readonly HashSet<UInt128> _others = []; // hashes of items that other parts settled meanwhile and whose lines are not held
    private Dictionary<string, LedgerEntry> _ledger = new(StringComparer.Ordinal);
    private ShardWriter? _shard;
    private long _published;
    private TimeSpan _rest;
    private bool _ledgerIsBehind;
    private bool _failed;

    private CacheWriter(ICacheStore store, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, IPartLock held)
    {
        (_store, _fingerprint, _options, _time, _lock) = (store, fingerprint, options, time, held);
        _chain = new ManifestChain(store, fingerprint, options, held, time, Follow);
        _ledgers = new LedgerStore(store);
        _reopened = new ReopenedItems(store);
    }

    /// <summary>Settled source items by id, committed, failed or removed, those of this session included: what a run skips.</summary>
    public IReadOnlyDictionary<string, LedgerEntry> Ledger => _ledger;

    /// <summary>The manifest in force; null before the first commit.</summary>
    public Manifest? Head => _chain.Head;

    /// <summary>Opens a cache for writing, or begins one in an empty or absent folder, and removes what dead writers left there.</summary>
    /// <exception cref="FingerprintMismatchException">The cache was prepared otherwise.</exception>
    /// <exception cref="UsageException">The folder holds other things, or another process writes this part.</exception>
    /// <exception cref="FailureException">The newest manifest or the ledger is damaged, or the folder cannot be written.</exception>
    public static Task<CacheWriter> OpenAsync(string cache, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, CancellationToken ct) =>
        OpenAsync(CacheStores.Open(cache, time), fingerprint, options, time, ct);

    internal static Task<CacheWriter> OpenAsync(
        string cache, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, IFileSystem disk, CancellationToken ct) =>
        OpenAsync(new LocalStore(cache, new RetryingFileSystem(disk, time)), fingerprint, options, time, ct);

    /// <summary>Opens a cache in a store, which then belongs to the writer.</summary>
    internal static async Task<CacheWriter> OpenAsync(
        ICacheStore store, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, CancellationToken ct)
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

    /// <summary>
    /// Lets committed items be settled anew, once each. The commit that makes an item's new state visible removes its old clips: readers see either those or
    /// the new ones. Name all of a run at once: the index is read for them once.
    /// </summary>
    /// <exception cref="InvalidOperationException">One of them was settled since the last commit.</exception>
    public void Reopen(IReadOnlyList<string> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        RequireUsable();
        if (items.FirstOrDefault(_before.ContainsKey) is { } unsettled)
        {
            throw new InvalidOperationException($"item {unsettled} was settled since the last commit; commit first");
        }

        _reopened.Open([.. items.Where(item => _ledger.TryGetValue(item, out var entry) && entry.State == ItemState.Committed)]);
        foreach (var item in items)
        {
            _clipIds.Remove(item);
            for (var segment = 0; _clipIds.Remove(SegmentId.Of(item, segment)); segment++)
            {
            }
        }
    }

    /// <summary>Adds a clip to its source item. Copies what it keeps.</summary>
    /// <exception cref="UsageException">The cache has a clip of that id, or its item is committed already and not reopened.</exception>
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

        clips.Add(new StagedClip(clip, _fingerprint, _options.JpegQuality, _buffers));
        return Task.CompletedTask;
    }

    /// <summary>
    /// Gives a source item its final state. Committed: its clips go to the open shard and become visible, with this line, at the next commit.
    /// Otherwise its clips, if any, are dropped. Of an item that was reopened, committed and removed take its old clips away; failed leaves them and its state,
    /// and is a warning of its line. A shard that this item filled is sealed and committed here.
    /// </summary>
    /// <exception cref="ArgumentException">Committed without clips.</exception>
    /// <exception cref="UsageException">The item is committed already and not reopened.</exception>
    public async Task SettleAsync(LedgerEntry entry, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentException.ThrowIfNullOrEmpty(entry.Id);
        ct.ThrowIfCancellationRequested();
        RequireUsable();
        RequireOpen(entry.Id);
        _pending.Remove(entry.Id, out var clips);
        var before = _ledger.GetValueOrDefault(entry.Id);
        _reopened.Settle(entry.Id, replaces: entry.State != ItemState.Failed);
        if (entry.State != ItemState.Committed)
        {
            clips?.ForEach(Drop);
            entry = entry.State == ItemState.Failed && before is { State: ItemState.Committed } ? Kept(before, entry) : entry;
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
                    _shard ??= await ShardWriter.CreateAsync(_store, _options, _chain.TakeNumber());
                    await _shard.AddAsync(clip);
                }
            });
        }

        _settled.Add(entry);
        _before.TryAdd(entry.Id, before);
        _ledger[entry.Id] = entry;
        if (clips is not null && _shard is not null && (_shard.Bytes >= _options.ShardBytes || _shard.Count >= _options.ShardRows))
        {
            await (_time.GetElapsedTime(_published) < _rest ? GuardAsync(SealAsync) : CommitAsync(ct));
        }
    }

    /// <summary>Makes every settled item visible. Without any since the last commit it gives the manifest in force; a new cache gets its first.</summary>
    /// <exception cref="FingerprintMismatchException">Another process committed with another preparation meanwhile.</exception>
    /// <exception cref="FailureException">The disk failed, or another part committed one of the same items. Nothing of this commit is visible.</exception>
    public async Task<Manifest> CommitAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        RequireUsable();
        if (Head is not null && _settled.Count == 0)
        {
            return Head;
        }

        await GuardAsync(async () =>
        {
            try
            {
                await SealAsync();
                await PublishAsync();
            }
            catch (XkdException)
            {
                _lock.Require(); // whoever took this part over has removed what was not committed: then that is the reason to tell
                throw;
            }
        });
        return Head!;
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
        _buffers = ArrayPool<byte>.Shared; // whoever holds the writer holds no memory of it
        try
        {
            CloseLedger();
            new Leftovers(_store).Remove(_options.Part, _lock, new ManifestStore(_store, _options.Converting).Head(), _chain.Fence);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or XkdException)
        {
            // Leftovers do no harm: the next opening removes them, or says what is wrong with the folder. Of a part that was taken over they are not ours.
        }

        _lock.Dispose();
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Recover()
    {
        _chain.Open();
        new Leftovers(_store).Remove(_options.Part, _lock, Head, _chain.Fence);
        _ledger = Head is null ? _ledger : _ledgers.Read(Head);
        _ledgerIsBehind = _ledger.Count > SmallLedger && _options.Part == CacheMerger.Part;
        if (Head is { Segments.Count: > 0 } && _ledger.Count <= SmallLedger && !_ledgers.IsMerged(_ledger))
        {
            // A writer may have died between its manifest and this file.
            _ledgers.WriteMerged(_ledger, _options.Part);
        }
    }

    private async Task SealAsync()
    {
        if (_shard is not null)
        {
            using var shard = _shard;
            _shard = null;
            _sealed.Add(await shard.SealAsync(_fingerprint));
            _rows.AddRange(shard.Rows);
        }
    }

    private async Task PublishAsync()
    {
        _lock.Require();
        var (began, lost) = (_time.GetTimestamp(), _chain.Lost);
        _chain.Follow();
        if (_sealed.Count == 0)
        {
            _chain.TakeNumber(); // else the last shard's
        }

        Segment added = new()
        {
            Index = _rows.Count == 0 ? null : await _chain.PutIndexAsync(_rows, _sealed),
            Rows = _rows.Count,
            Ledger = _settled.Count == 0 ? null : _chain.Put(CacheLayout.Ledgers, LedgerText.Write(_settled)),
            Version = 1,
        };
        var removed = _reopened.Replaced.Count == 0 ? null : _chain.Put(CacheLayout.Removed, await IndexFile.WriteRemovedAsync(_reopened.Replaced));
        await _chain.PutAsync(next => Task.FromResult<Manifest?>(With(next, added, removed)));
        _published = _time.GetTimestamp();
        _rest = _chain.Lost > lost ? RestAfter * _time.GetElapsedTime(began, _published) : TimeSpan.Zero;
        _settled.Clear();
        _before.Clear();
        _sealed.Clear();
        _rows.Clear();
        _reopened.Commit();
        _ledgerIsBehind = _ledger.Count > SmallLedger;
        if (!_ledgerIsBehind)
        {
            do
            {
                // Of two parts that commit at once, the slower must not leave its older merge in place: whoever writes last looks again.
                _ledgers.WriteMerged(_ledger, _options.Part);
            }
            while (_chain.Follow());
        }

        await _chain.MergeAsync();
    }

    /// <summary>Puts a version that follows from the newest one in place.</summary>
    /// <param name="change">Told the next version as it would be without a change, and how to put a file of a folder in place; null changes nothing.</param>
    internal Task ChangeAsync(Func<Manifest, Func<string, byte[], StoredPart>, Task<Manifest?>> change) => _chain.ChangeAsync(change);

    /// <summary>Writes clips that other shards hold already into new ones, for a change to name.</summary>
    internal async Task<(List<ShardEntry> Shards, List<ClipEntry> Rows)> RewriteAsync(IEnumerable<ClipRecord> clips)
    {
        foreach (var clip in clips)
        {
            _shard ??= await ShardWriter.CreateAsync(_store, _options, _chain.TakeNumber());
            await _shard.AddAsync(new StagedClip(clip, _fingerprint, _options.JpegQuality, _buffers));
            if (_shard.Bytes >= _options.ShardBytes || _shard.Count >= _options.ShardRows)
            {
                await SealAsync();
            }
        }

        await SealAsync();
        var made = (_sealed.ToList(), _rows.ToList());
        _sealed.Clear();
        _rows.Clear();
        return made;
    }

    /// <summary>Tells of ledger lines that a change has put in place.</summary>
    internal void Told(IEnumerable<LedgerEntry> entries)
    {
        foreach (var entry in entries)
        {
            LedgerText.Merge(_ledger, entry);
        }

        _ledgerIsBehind = true;
    }

    // Another part committed first: what it did must not be what this commit is about.
    private void Follow(Manifest? before, Manifest head)
    {
        _reopened.Follow(before, head);

        // In a large cache the lines that other parts add would fill this process's memory: it merges none, and has to know only whose items are settled.
        var all = _ledger.Count <= SmallLedger || _options.MergesLedger;

        // Segments are added at the end and merged in their place: what stands before one that is known is known. A merged one may hold known lines too: of each
        // item the last counts, and that may be the one this commit replaces.
        HashSet<Segment> known = [.. before?.Segments ?? []];
        var segments = head.Segments.Skip(1 + head.Segments.ToList().FindLastIndex(known.Contains)).ToArray();
        var (lines, others) = (new List<LedgerEntry>[segments.Length], new List<UInt128>[segments.Length]);
        new ManifestStore(_store).Each(Enumerable.Range(0, lines.Length), i =>
        {
            List<UInt128> met = [];
            lines[i] = _ledgers.Read(segments[i], all ? null : id => IsHeld(id, met));
            others[i] = met;
        });
        _others.UnionWith(others.SelectMany(o => o));
        Dictionary<string, LedgerEntry> news = new(StringComparer.Ordinal);
        foreach (var entry in lines.SelectMany(l => l))
        {
            LedgerText.Merge(news, entry);
        }

        foreach (var ours in _before)
        {
            if (news.TryGetValue(ours.Key, out var taken) && taken.State != ItemState.Failed && !LedgerText.AreSame(taken, ours.Value))
            {
                throw new FailureException(taken.State == ItemState.Committed
                    ? $"item {taken.Id} was committed by another process meanwhile: give each process its own partition; nothing of this commit was kept"
                    : $"item {taken.Id} was removed by another process meanwhile: run the same command again; nothing of this commit was kept");
            }
        }

        foreach (var entry in news.Values.Concat(_settled))
        {
            LedgerText.Merge(_ledger, entry);
        }
    }

    private bool IsHeld(string id, List<UInt128> others)
    {
        var held = _ledger.ContainsKey(id);
        if (!held)
        {
            others.Add(Key(id));
        }

        return held;
    }

    private static UInt128 Key(string id) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(id.AsSpan()));

    private Manifest With(Manifest next, Segment added, StoredPart? removed)
    {
        var vanishing = removed is null ? [] : _reopened.Vanishing(Head!);
        return next with
        {
            Clips = next.Clips - vanishing.Count + _rows.Count,
            Mel = next.Mel.Remove(vanishing, _fingerprint).Add(_rows, _fingerprint),
            Removals = removed is null ? next.Removals : [.. next.Removals, new Removal { Ids = removed, Version = next.Version }],
            Origins = [.. next.Origins.Concat(_options.Origin is { } origin ? [origin] : []).Distinct()],
            Segments = added is { Index: null, Ledger: null } ? next.Segments : [.. next.Segments, added with { Version = next.Version }],
        };
    }

    private void CloseLedger()
    {
        if (_ledgerIsBehind && _options.MergesLedger)
        {
            _ledgers.WriteMerged(_ledger, _options.Part);
        }
    }

    private void RequireOpen(string item)
    {
        if (_ledger.TryGetValue(item, out var entry) && entry.State == ItemState.Committed && !_reopened.IsOpen(item))
        {
            throw new UsageException($"item {item} is committed already: a source item ends in exactly one state");
        }

        if (_others.Count > 0 && _others.Contains(Key(item)))
        {
            throw new UsageException($"item {item} was settled by another process meanwhile: give each process its own partition");
        }
    }

    private void RequireUsable()
    {
        if (_failed)
        {
            throw new InvalidOperationException("this writer was disposed or has failed; open the cache again");
        }
    }

    private static LedgerEntry Kept(LedgerEntry before, LedgerEntry failed)
    {
        const string Said = "not replaced: ";
        var others = before.Warnings.Where(w => !w.StartsWith(Said, StringComparison.Ordinal));
        return before with { Attempts = failed.Attempts, Warnings = [.. others, $"{Said}{failed.Stage}/{failed.Reason}: {failed.Detail}"] };
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
