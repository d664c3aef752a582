namespace Xkd.Ingest;

/// <summary>A file under a dataset's root.</summary>
/// <param name="Folder">Its folder relative to the root, with '/'; empty for the root itself.</param>
/// <param name="Name">Its name.</param>
/// <param name="Flaw">What the listing shows to be wrong with it.</param>
internal readonly record struct MediaFile(string Folder, string Name, FileFlaw Flaw = FileFlaw.None)
{
    /// <summary>Relative to the root, with '/'.</summary>
    public string Relative => Folder.Length == 0 ? Name : $"{Folder}/{Name}";

    /// <summary>The folder it lies in, without those above.</summary>
    public ReadOnlySpan<char> Parent => Folder.AsSpan(Folder.LastIndexOf('/') + 1);

    /// <summary>What was listed, as it is in this file.</summary>
    public SourceItem Holding(SourceItem listed, string root) => listed with { Path = Path.Combine(root, Relative), Flaw = Failure(Path.Combine(root, Relative)) };

    private ItemFailure? Failure(string path) => Flaw switch
    {
        FileFlaw.NotUtf8 => new ItemFailure(FailureStages.Catalog, FailureReasons.Unreadable, $@"the name {path} is not UTF-8 (bytes that are not are written \xNN here); rename the file, or the folder"),
        FileFlaw.LeadsNowhere => new ItemFailure(FailureStages.Catalog, FailureReasons.Absent, $"{path} is a link to {new FileInfo(path).LinkTarget}, which does not exist"),
        _ => null,
    };
}
