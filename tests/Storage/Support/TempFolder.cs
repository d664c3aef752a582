namespace Xkd.Storage.Tests;

/// <summary>A folder that goes with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("xkd-storage-").FullName;

    public string Cache => System.IO.Path.Combine(Path, "cache");

    public string In(params string[] parts) => System.IO.Path.Combine([Cache, .. parts]);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
