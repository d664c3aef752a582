namespace Xkd.Pipeline;

/// <summary>Windows of clips for evaluation, in host memory. Disposing returns its buffers and byte credit.</summary>
public sealed class EvaluationBatch : IDisposable
{
    private readonly HostBatch _batch;

    internal EvaluationBatch(HostBatch batch, int[] windows) => (_batch, WindowIndices) = (batch, windows);

    /// <summary>Rows in this batch, windows times crops; the last one may hold fewer than the others.</summary>
    public int Size => _batch.Size;

    /// <summary>For each row, the clip's index in <see cref="Xkd.Storage.Cache.Clips"/>.</summary>
    public IReadOnlyList<long> ClipIndices => _batch.ClipIndices;

    /// <summary>For each row, the clip's id.</summary>
    public IReadOnlyList<string> ClipIds => _batch.ClipIds;

    /// <summary>For each row, which of the clip's windows it is.</summary>
    public IReadOnlyList<int> WindowIndices { get; }

    /// <summary>float32 normalised [batch, 3, frames, size, size]; null without video.</summary>
    public HostView? Video => _batch.Video.Count > 0 ? _batch.Video[0] : null;

    /// <summary>float32 normalised log-mel [batch, 1, mels, frames]; null without audio.</summary>
    public HostView? Audio => _batch.Audio.Count > 0 ? _batch.Audio[0] : null;

    public void Dispose() => _batch.Dispose();
}
