namespace Xkd.Storage;

/// <summary>A file of a cache is there, and this process may not or cannot read it.</summary>
public sealed class UnreadableFileException(string file, string location, string reason, Exception innerException)
    : FailureException($"{location}/{file} cannot be read: {reason}: mend its permissions or the disk, or run as its owner", innerException)
{
    /// <summary>Path below the cache folder.</summary>
    public string File { get; } = file;

    /// <summary>As the operating system says it.</summary>
    public string Reason { get; } = reason;
}
