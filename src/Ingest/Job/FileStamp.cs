namespace Xkd.Ingest;

/// <summary>What tells a file from an earlier state of itself, without reading it.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="Mtime">When it was last written, seconds since 1970.</param>
internal readonly record struct FileStamp(long Bytes, double Mtime)
{
    /// <summary>Times are kept as numbers, and by file systems of many kinds: less than this is no difference.</summary>
    public const double Instant = 1e-3;

    /// <summary>That of a file, or of the file a link leads to; null where there is none, or it cannot be looked at.</summary>
    public static FileStamp? Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return (file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true)) is FileInfo { Exists: true } target
                ? new FileStamp(target.Length, (target.LastWriteTimeUtc - DateTime.UnixEpoch).TotalSeconds)
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // it cannot be looked at: for a run, it is not there
        }
    }

    /// <summary>Whether there is certainly no such file; a folder that may not be entered says nothing.</summary>
    public static bool IsGone(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
            return false;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }
}
