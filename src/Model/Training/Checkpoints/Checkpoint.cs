using Xkd.Model.Weights;

namespace Xkd.Model.Training;

/// <summary>A checkpoint whose every file was verified; its tensors are read when asked for.</summary>
public sealed class Checkpoint : IDisposable
{
    internal Checkpoint(string folder, CheckpointState state)
    {
        Folder = folder;
        State = state;
        Model = SafetensorsFile.Open(Path.Combine(folder, CheckpointStore.ModelFile));
        try
        {
            Optimizer = SafetensorsFile.Open(Path.Combine(folder, CheckpointStore.OptimizerFile));
        }
        catch
        {
            Model.Dispose();
            throw;
        }
    }

    /// <summary>Full path of <c>step-NNNNNNNN</c>.</summary>
    public string Folder { get; }

    public CheckpointState State { get; }

    /// <summary>The network's parameters and buffers.</summary>
    public SafetensorsFile Model { get; }

    /// <summary>The optimizer's moments.</summary>
    public SafetensorsFile Optimizer { get; }

    /// <summary>Refuses what a run begins with: it would be taken for something learned.</summary>
    /// <exception cref="Storage.UsageException">No step was done.</exception>
    internal void RequireTrained(string run)
    {
        if (State.Step == 0)
        {
            throw new Storage.UsageException($"{run} has no checkpoint yet but that of its start; train it further");
        }
    }

    public void Dispose()
    {
        Model.Dispose();
        Optimizer.Dispose();
    }
}
