namespace Xkd.Ingest;

/// <summary>A file below a root.</summary>
/// <param name="Folder">Full path of its folder; the same text for all of a folder's files.</param>
/// <param name="Name">Its name.</param>
/// <param name="Flaw">What is wrong with it.</param>
internal readonly record struct WalkedFile(string Folder, string Name, FileFlaw Flaw);
