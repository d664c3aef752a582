namespace Xkd.Ingest;

/// <summary>A name in a folder.</summary>
/// <param name="Name">As text; bytes that are not UTF-8 are written <c>\xE9</c>.</param>
internal readonly record struct FolderEntry(string Name)
{
    /// <summary>The name itself where it is not UTF-8; else null.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>Which folder it is, or leads to; null where it is none.</summary>
    public FolderNumber? Folder { get; init; }

    /// <summary>It is a link to a folder.</summary>
    public bool IsLink { get; init; }

    /// <summary>It is a link to nothing.</summary>
    public bool LeadsNowhere { get; init; }
}
