using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A row left out under the skip policy.</summary>
/// <param name="ClipId">The clip.</param>
/// <param name="Detail">Shard, row and column, what was expected there and what was found.</param>
public sealed record DamagedRow(string ClipId, string Detail);

/// <summary>
/// One rank's share of one step, in host memory; in evaluation windows of clips, times crops. Disposing returns its buffers to the feed and its byte credit to
/// the budget; nothing of it may be touched afterwards.
/// </summary>
public sealed class HostBatch : IPayload, ICreditCarrier
{
    private readonly BatchBuffers _buffers;
    private readonly BatchPool _pool;
    private ByteCredit? _credit;
    private int _disposed;

    internal HostBatch(BatchPool pool, int rows, long step, int epoch, long position)
    {
        (_pool, _buffers) = (pool, pool.Rent());
        (Step, Epoch, Position) = (step, epoch, position);
        (Ids, Indices) = (new string[rows], new long[rows]);
        (Draws, Plans) = (new ClipAugmentation?[rows], new WindowPlan[rows]);
    }

    /// <summary>Zero-based step of the run.</summary>
    public long Step { get; }

    /// <summary>Zero-based epoch.</summary>
    public int Epoch { get; }

    /// <summary>Position within the epoch of this rank's first clip.</summary>
    public long Position { get; }

    /// <summary>Clips in this batch; in evaluation the last one may hold fewer than the others.</summary>
    public int Size => Ids.Length;

    /// <summary>The clips' ids; of a sample of several segments, that of the one in which its global window begins.</summary>
    public IReadOnlyList<string> ClipIds => Ids;

    /// <summary>The clips' indices in <see cref="Cache.Clips"/>; of a mix, in the members' selected clips put end to end.</summary>
    public IReadOnlyList<long> ClipIndices => Indices;

    /// <summary>
    /// In pre-training: [0] the global video view, then the local ones; levels 0 … 255 [batch, 3, frames, size, size], a quarter of what goes to a device
    /// otherwise. Who takes them normalises them by <see cref="FrameStatistics"/>. Empty without video and in evaluation.
    /// </summary>
    public IReadOnlyList<HostView<byte>> Levels => _buffers.Levels;

    /// <summary>In evaluation: [0] the global video view; normalised [batch, 3, frames, size, size]. Empty without video and in pre-training.</summary>
    public IReadOnlyList<HostView<float>> Video => _buffers.Video;

    /// <summary>[0] the global view, then the local ones; normalised log-mel [batch, 1, mels, frames]. Empty without audio.</summary>
    public IReadOnlyList<HostView<float>> Audio => _buffers.Audio;

    /// <summary>The global video view of evaluation; null without video.</summary>
    public HostView<float>? GlobalVideo => Video.Count > 0 ? Video[0] : null;

    /// <summary>The global audio view; null without audio.</summary>
    public HostView<float>? GlobalAudio => Audio.Count > 0 ? Audio[0] : null;

    /// <summary>What was drawn for each clip's views, by slot; null where nothing is random.</summary>
    public IReadOnlyList<ClipAugmentation?> Drawn => Draws;

    /// <summary>Uniform noise in [0, 1) that orders the video tokens for masking, [batch, video tokens].</summary>
    public float[] VideoNoise => _buffers.VideoNoise;

    /// <summary>Uniform noise in [0, 1) that orders the audio tokens for masking, [batch, audio tokens].</summary>
    public float[] AudioNoise => _buffers.AudioNoise;

    /// <summary>
    /// Under the skip policy, the places in the epoch's tail used so far, this batch included, ascending: with the step, all that a
    /// checkpoint needs.
    /// </summary>
    public IReadOnlyList<int> TailUsed { get; internal set; } = [];

    /// <summary>Under the skip policy, the damaged rows that this batch would have had.</summary>
    public IReadOnlyList<DamagedRow> Damaged { get; internal set; } = [];

    public long Bytes => _buffers.Bytes;

    bool ICreditCarrier.Carries => true;

    internal string[] Ids { get; }

    internal long[] Indices { get; }

    internal ClipAugmentation?[] Draws { get; }

    /// <summary>Where each clip's windows begin.</summary>
    internal WindowPlan[] Plans { get; }

    public void Carry(ByteCredit credit) => _credit = credit;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _pool.Return(_buffers);
            Interlocked.Exchange(ref _credit, null)?.Dispose();
        }
    }
}
