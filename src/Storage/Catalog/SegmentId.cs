namespace Xkd.Storage;

/// <summary>Names of the clips that one long source was cut into: <c>ITEM#0</c>, <c>ITEM#1</c>, …</summary>
public static class SegmentId
{
    private const char Mark = '#';

    /// <summary>The id of an item's segment.</summary>
    public static string Of(string item, int number) => $"{item}{Mark}{number}";

    /// <summary>The item a clip is of, and the clip's number in it; a clip that is no segment is its item, and its number null.</summary>
    public static (string Item, int? Number) Split(string id)
    {
        var mark = id.LastIndexOf(Mark);
        var segment = mark > 0 && mark < id.Length - 1 && !id.AsSpan(mark + 1).ContainsAnyExceptInRange('0', '9');
        return segment && int.TryParse(id.AsSpan(mark + 1), out var number) ? (id[..mark], number) : (id, null);
    }
}
