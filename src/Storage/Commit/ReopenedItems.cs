namespace Xkd.Storage;

/// <summary>The committed items that a writer may settle anew, and the clips that vanish when it does.</summary>
internal sealed class ReopenedItems(ICacheStore store)
{
    private readonly HashSet<string> _items = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly HashSet<string> _replaced = new(StringComparer.Ordinal);
    private List<ClipEntry>? _clips;

    /// <summary>Items whose clips, as far as the newest version has any, the next commit removes.</summary>
    public IReadOnlyCollection<string> Replaced => _replaced;

    public void Open(IReadOnlyList<string> items)
    {
        _items.UnionWith(items);
        _open.UnionWith(items);
        _clips = null;
    }

    public bool IsOpen(string item) => _open.Contains(item);

    /// <summary>An item that is open has its new state.</summary>
    /// <param name="item">Its id.</param>
    /// <param name="replaces">Whether its clips vanish.</param>
    public void Settle(string item, bool replaces)
    {
        if (_open.Remove(item) && replaces)
        {
            _replaced.Add(item);
        }
    }

    /// <summary>The rows that a removal of the replaced items hides. The index is read once for all items that were opened.</summary>
    public IReadOnlyList<ClipEntry> Vanishing(Manifest head)
    {
        _clips ??= [.. ClipIndex.ReadRows(store, head).Where(row => ClipIndex.IsNamed(row, _items))];
        return _clips.FindAll(row => ClipIndex.IsNamed(row, _replaced));
    }

    /// <summary>The replaced clips have vanished.</summary>
    public void Commit()
    {
        if (_replaced.Count > 0)
        {
            _clips?.RemoveAll(row => ClipIndex.IsNamed(row, _replaced));
            _replaced.Clear();
        }
    }

    /// <summary>
    /// Another process has put a version in place. Where it only added to the one before, the rows that are known are those of old, but for what it removed.
    /// </summary>
    public void Follow(Manifest? before, Manifest after)
    {
        if (_clips is null || before is null)
        {
            return;
        }

        if (!StartsWith(after.Segments, before.Segments) || !StartsWith(after.Removals, before.Removals))
        {
            _clips = null;
            return;
        }

        foreach (var removal in after.Removals.Skip(before.Removals.Count))
        {
            HashSet<string> ids = new(IndexFile.ReadRemoved(store, removal), StringComparer.Ordinal);
            _clips.RemoveAll(row => ClipIndex.IsNamed(row, ids));
        }
    }

    private static bool StartsWith<T>(IReadOnlyList<T> list, IReadOnlyList<T> beginning) => list.Take(beginning.Count).SequenceEqual(beginning);
}
