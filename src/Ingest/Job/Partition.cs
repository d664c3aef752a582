namespace Xkd.Ingest;

/// <summary>Shares items among processes by their ids alone, so that a growing dataset never moves an item to another process.</summary>
internal static class Partition
{
    /// <summary>Whether the item belongs to part <paramref name="part"/>, counted from 1, of <paramref name="parts"/>.</summary>
    public static bool Owns(string id, int part, int parts)
    {
        var hash = 14695981039346656037UL; // FNV-1a: equal on every machine and in every version, unlike string.GetHashCode
        foreach (var letter in id)
        {
            hash = (hash ^ letter) * 1099511628211UL;
        }

        return (hash >> 32) % (ulong)parts == (ulong)(part - 1);
    }
}
