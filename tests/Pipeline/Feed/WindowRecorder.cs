using System.Collections.Concurrent;

namespace Xkd.Pipeline.Tests;

/// <summary>Makes no views, but keeps the windows that it was given for them, by what was "drawn" for their sample.</summary>
internal sealed class WindowRecorder : ISampleAugmenter
{
    private readonly ConcurrentDictionary<ClipAugmentation, ConcurrentDictionary<int, byte[]>> _frames = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<ClipAugmentation, ConcurrentDictionary<int, Half[]>> _mel = new(ReferenceEqualityComparer.Instance);

    public ClipAugmentation Draw(in SampleKey key, int height, int width) => new();

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination) =>
        _frames.GetOrAdd(drawn!, _ => new())[view] = frames.ToArray();

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination) =>
        _mel.GetOrAdd(drawn!, _ => new())[view] = logMel.ToArray();

    /// <summary>The frames of one view of a batch's sample.</summary>
    public byte[] Frames(HostBatch batch, int slot, int view) => _frames[batch.Drawn[slot]!][view];

    /// <summary>The log-mel of one view of a batch's sample, [mels, frames].</summary>
    public Half[] Mel(HostBatch batch, int slot, int view) => _mel[batch.Drawn[slot]!][view];
}
