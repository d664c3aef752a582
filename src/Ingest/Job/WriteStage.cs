using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The write stage: an item's clips and its ledger line, and a commit every so often. One item at a time.</summary>
/// <param name="writer">Writes the cache.</param>
/// <param name="fingerprint">How clips are prepared.</param>
/// <param name="replaces">By an item's id, the committed and reopened item whose clips its own replace.</param>
/// <param name="commitInterval">Between commits.</param>
/// <param name="tally">Counts.</param>
/// <param name="time">The clock.</param>
internal sealed class WriteStage(
    CacheWriter writer, Fingerprint fingerprint, IReadOnlyDictionary<string, string> replaces, TimeSpan commitInterval, IngestTally tally, TimeProvider time)
{
    private long _committedAt = time.GetTimestamp();

    /// <summary>Writing failed (the disk is full, a shard did not read back): nothing more can be committed.</summary>
    public bool Broken { get; private set; }

    public async ValueTask RunAsync(PreparedItem item, CancellationToken cancellationToken)
    {
        using (item)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // An item is written whole or not at all: a cancelled run stops between items, so that what it has can be committed.
                await WriteAsync(item);
                if (time.GetElapsedTime(_committedAt) >= commitInterval)
                {
                    await writer.CommitAsync(CancellationToken.None);
                    FreedMemory.GiveBack();
                    _committedAt = time.GetTimestamp();
                }
            }
            catch
            {
                Broken = true;
                throw;
            }
        }
    }

    private async Task WriteAsync(PreparedItem item)
    {
        foreach (var clip in item.Clips)
        {
            await writer.AppendAsync(Record(item, item.Media!, clip), CancellationToken.None);
        }

        var entry = new LedgerEntry
        {
            Id = item.Source.Id,
            Source = item.Source.Path,
            State = item.Failed ? ItemState.Failed : ItemState.Committed,
            Stage = item.Failure?.Stage,
            Reason = item.Failure?.Reason,
            Detail = item.Failure?.Detail,
            Warnings = item.Warnings,
            Attempts = item.Attempts,
            Bytes = item.Stamp?.Bytes,
            Mtime = item.Stamp?.Mtime,
        };
        var replaced = replaces.GetValueOrDefault(entry.Id);
        if (replaced is not null && replaced != entry.Id && !item.Failed)
        {
            // In this order: only clips bring a commit about, so none comes between the old id's line and the new one's.
            await writer.SettleAsync(Removed(writer.Ledger[replaced], IngestPlan.MovedAway, $"its file is {entry.Id} now"), CancellationToken.None);
        }

        await writer.SettleAsync(entry, CancellationToken.None);
        tally.Settled(replaced is not null && item.Failed ? entry with { Detail = $"{entry.Detail}; the clips of {replaced} stay" } : entry, item.Clips.Count);
    }

    /// <summary>The line of an item whose clips are removed.</summary>
    public static LedgerEntry Removed(LedgerEntry committed, string reason, string detail) =>
        committed with { State = ItemState.Removed, Stage = null, Reason = reason, Detail = detail };

    private ClipRecord Record(PreparedItem item, DecodedMedia media, PreparedClip clip)
    {
        var (source, segment) = (item.Source, clip.Segment);
        return new ClipRecord
        {
            Id = item.Clips.Count == 1 ? source.Id : SegmentId.Of(source.Id, segment.Index),
            SourceItem = source.Id,
            Source = source.Path,
            Label = source.Label,
            Labels = source.Labels,
            Split = source.Split,
            Folds = source.Folds,
            Start = (source.Start ?? 0) + segment.Start,
            Duration = segment.Duration,
            Fps = fingerprint.Fps,
            Width = segment.NumFrames > 0 ? media.Width : 0,
            Height = segment.NumFrames > 0 ? media.Height : 0,
            NumFrames = segment.NumFrames,
            Frames = clip.Jpeg?.Payload ?? media.Frames.Read((long)segment.FirstFrame * media.FrameBytes, segment.NumFrames * media.FrameBytes),
            FrameOffsets = clip.Jpeg?.Offsets ?? default(ReadOnlyMemory<uint>),
            MelFrames = clip.MelFrames,
            Mel = clip.Mel,
            Pcm = clip.Pcm,
            AudioRate = segment.NumSamples > 0 ? fingerprint.SampleRate : 0,
            MelSum = clip.MelSum,
            MelSumSquares = clip.MelSumSquares,
        };
    }
}
