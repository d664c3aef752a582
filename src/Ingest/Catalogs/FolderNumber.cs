namespace Xkd.Ingest;

/// <summary>What tells a folder from all others, whatever path leads to it: the file system and the number in it.</summary>
internal readonly record struct FolderNumber(ulong Device, ulong Number);
