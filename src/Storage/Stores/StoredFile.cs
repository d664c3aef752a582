namespace Xkd.Storage;

/// <summary>A file of a cache as a listing gives it.</summary>
/// <param name="Name">Below the cache's root, with <c>/</c>.</param>
/// <param name="Bytes">Its size.</param>
internal readonly record struct StoredFile(string Name, long Bytes);
