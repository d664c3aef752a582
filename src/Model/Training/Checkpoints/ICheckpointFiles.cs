namespace Xkd.Model.Training;

/// <summary>What writing a checkpoint does to the disk, one call per step of the protocol, so that tests can stop it at each of them.</summary>
internal interface ICheckpointFiles
{
    void CreateFolder(string path);

    /// <summary>A new file; <see cref="Sync"/> makes what was written durable.</summary>
    Stream CreateFile(string path);

    void Sync(Stream file);

    void SyncFolder(string path);

    void MoveFolder(string from, string to);

    void DeleteFolder(string path);
}
