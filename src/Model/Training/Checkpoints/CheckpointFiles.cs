using Xkd.Model.Weights;

namespace Xkd.Model.Training;

/// <summary>The real disk.</summary>
internal sealed class CheckpointFiles : ICheckpointFiles
{
    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public Stream CreateFile(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);

    public void Sync(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    public void SyncFolder(string path) => AtomicFile.SyncFolder(path);

    public void MoveFolder(string from, string to) => Directory.Move(from, to);

    public void DeleteFolder(string path) => Directory.Delete(path, recursive: true);
}
