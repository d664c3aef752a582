namespace Xkd.Storage;

/// <summary>A whole file of a cache where it can be opened by path; a copy goes with this object.</summary>
/// <param name="path">Where it lies; no file is there when the cache has none.</param>
/// <param name="temporary">It is a copy made for the caller.</param>
internal sealed class LocalCopy(string path, bool temporary) : IDisposable
{
    public string Path { get; } = path;

    public void Dispose()
    {
        if (temporary)
        {
            File.Delete(Path);
        }
    }
}
