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

    internal HostBatch(BatchPool pool, ClipEntry[] clips, long step, int epoch, long position)
    {
        (_pool, _buffers) = (pool, pool.Rent(clips));
        (Step, Epoch, Position) = (step, epoch, position);
        (Ids, Indices) = (new string[clips.Length], new long[clips.Length]);
        (Draws, Plans) = (new ClipAugmentation?[clips.Length], new WindowPlan[clips.Length]);
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
    /// [0] the global view, then the local ones; float32 normalised [batch, 3, frames, size, size]. Empty without video and where
    /// augmentation is deferred.
    /// </summary>
    public IReadOnlyList<HostView> Video => _buffers.Video;

    /// <summary>
    /// [0] the global view, then the local ones; float32 normalised log-mel [batch, 1, mels, frames]. Empty without audio and where
    /// augmentation is deferred.
    /// </summary>
    public IReadOnlyList<HostView> Audio => _buffers.Audio;

    /// <summary>The global video view; null without video.</summary>
    public HostView? GlobalVideo => Video.Count > 0 ? Video[0] : null;

    /// <summary>The global audio view; null without audio.</summary>
    public HostView? GlobalAudio => Audio.Count > 0 ? Audio[0] : null;

    /// <summary>Where augmentation is deferred and there is video: the frames that its views are cut out of; else null.</summary>
    public HostFrames? Frames => _buffers.Frames;

    /// <summary>Where augmentation is deferred: where each video view's windows lie among <see cref="Frames"/>, the global view first.</summary>
    public IReadOnlyList<HostWindows> Windows => _buffers.Windows;

    /// <summary>Where augmentation is deferred: each audio view's windows as read.</summary>
    public IReadOnlyList<HostSpectrograms> Mel => _buffers.Mel;

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
