using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The write stage: an item's clips and its ledger line, and a commit every so often. One item at a time.</summary>
internal sealed class WriteStage(CacheWriter writer, Fingerprint fingerprint, TimeSpan commitInterval, IngestTally tally, TimeProvider time)
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
        };
        await writer.SettleAsync(entry, CancellationToken.None);
        tally.Settled(entry, item.Clips.Count);
    }

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
