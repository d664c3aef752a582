namespace Xkd.Storage;

/// <summary>A file that is being written and has no name in the cache yet.</summary>
/// <param name="Path">Where its bytes lie meanwhile.</param>
/// <param name="Stream">Takes them.</param>
internal sealed record StagedFile(string Path, Stream Stream);
