namespace Xkd.Ingest;

/// <summary>A file under a dataset's root.</summary>
/// <param name="Folder">Its folder relative to the root, with '/'; empty for the root itself.</param>
/// <param name="Name">Its name.</param>
internal readonly record struct MediaFile(string Folder, string Name)
{
    /// <summary>Relative to the root, with '/'.</summary>
    public string Relative => Folder.Length == 0 ? Name : $"{Folder}/{Name}";

    /// <summary>The folder it lies in, without those above.</summary>
    public ReadOnlySpan<char> Parent => Folder.AsSpan(Folder.LastIndexOf('/') + 1);
}
