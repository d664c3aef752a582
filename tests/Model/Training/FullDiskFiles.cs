using Xkd.Model.Weights;

namespace Xkd.Model.Tests.Training;

/// <summary>The real disk, which is full while some of the checkpoints are written: half a file goes in, then the system's own error comes.</summary>
/// <param name="full">Whether there is no room for a checkpoint, by its number from 1.</param>
internal sealed class FullDiskFiles(Func<int, bool> full) : ICheckpointFiles
{
    private const int NoSpace = 28;

    private readonly CheckpointFiles _real = new();
    private int _checkpoints;

    public void CreateFolder(string path) => _real.CreateFolder(path);

    public Stream CreateFile(string path)
    {
        _checkpoints += Path.GetFileName(path) == CheckpointStore.ModelFile ? 1 : 0;
        var file = _real.CreateFile(path);
        if (!full(_checkpoints) || Path.GetFileName(path) != CheckpointStore.OptimizerFile)
        {
            return file;
        }

        file.Write(new byte[1000]);
        file.Dispose();
        throw new IOException($"No space left on device : '{path}'", NoSpace);
    }

    public void Sync(Stream file) => _real.Sync(file);

    public void SyncFolder(string path) => _real.SyncFolder(path);

    public void MoveFolder(string from, string to) => _real.MoveFolder(from, to);

    public void DeleteFolder(string path) => _real.DeleteFolder(path);
}
