namespace Xkd.Storage;

/// <summary>What a listing of a cache's folder gives.</summary>
/// <param name="Name">Below the cache's root, with <c>/</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Other">What it is instead of a file, such as a folder or a link; null for a file.</param>
internal readonly record struct StoredFile(string Name, long Bytes, string? Other = null);
