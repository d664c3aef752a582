namespace Xkd.Model.Training;

/// <summary>Names of folders on a page.</summary>
internal static class DistinctNames
{
    /// <summary>The shortest end of each path that no other of them has; paths that are the same get the same name.</summary>
    public static string[] Of(IReadOnlyList<string> paths)
    {
        string[][] parts = [.. paths.Select(path => Path.GetFullPath(path).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))];
        return [.. parts.Select(own => Enumerable.Range(1, Math.Max(1, own.Length)).Select(length => End(own, length))
            .FirstOrDefault(end => parts.All(other => other.SequenceEqual(own) || End(other, end.Split('/').Length) != end), string.Join('/', own)))];
    }

    private static string End(string[] parts, int length) => string.Join('/', parts.TakeLast(length));
}
