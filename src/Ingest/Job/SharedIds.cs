using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Finds items whose id a segment of another item may have (<see cref="SegmentId"/>): committed, they would be taken for it.</summary>
internal static class SharedIds
{
    /// <summary>Marks such items as not to be tried.</summary>
    /// <param name="items">Items to be done.</param>
    /// <param name="known">Whether an id is an item's, listed or settled.</param>
    /// <param name="settled">Ids that the cache has.</param>
    public static IEnumerable<SourceItem> Mark(IEnumerable<SourceItem> items, Func<string, bool> known, IEnumerable<string> settled)
    {
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var id in settled)
        {
            if (SegmentId.Split(id) is (var whole, not null))
            {
                taken[whole] = id;
            }
        }

        foreach (var item in items)
        {
            var other = SegmentId.Split(item.Id) is (var whole, not null) && known(whole) ? whole : taken.GetValueOrDefault(item.Id);
            yield return other is null ? item : item with
            {
                Flaw = new ItemFailure(
                    FailureStages.Catalog, FailureReasons.Unreadable,
                    $"of the ids {item.Id} and {other} one may be a segment's of the other, were that cut; rename the file, or give it another id in a column id of --dataset csv"),
                Alternatives = [],
            };
        }
    }
}
