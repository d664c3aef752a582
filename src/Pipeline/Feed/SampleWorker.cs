using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// What is done for one sample: read its windows, then make its views and its noise in its slot of the batch. Thread-safe.
/// </summary>
internal sealed class SampleWorker(ViewOptions options, WindowReader windows, ISampleAugmenter augmenter)
{
    private readonly (int Frames, int Size)[] _video = options.VideoViews;
    private readonly int[] _audio = options.AudioViews;
    private readonly int _mels = options.Mel.Mels;
    private readonly int _melValues = options.AudioViews.Sum() * options.Mel.Mels;

    /// <summary>Memory for windows between reading and augmentation.</summary>
    public RawWindows.Pool Raw { get; } = new();

    /// <summary>Bytes the windows of a stretch take between reading and augmentation.</summary>
    public long WindowBytes(Stretch stretch) =>
        (options.Video ? (long)options.FramesRead * stretch.FrameBytes : 0)
        + (options.Audio ? (sizeof(short) * (long)_melValues) + WindowReader.AudioBytes(stretch, options.Mel) : 0);

    /// <exception cref="CorruptCacheException">The row's bytes are not what was committed.</exception>
    public void Read(FeedSample sample)
    {
        sample.Drawn = augmenter.Draw(sample.Key, sample.Clip.Height, sample.Clip.Width);
        try
        {
            ReadVideo(sample);
            ReadAudio(sample);
        }
        catch (CorruptCacheException damage) when (windows.CacheOf(sample.Clip) is { } cache)
        {
            throw new CorruptCacheException($"{cache}/{damage.Shard}", damage.Row, damage.Column, damage.Expected, damage.Got, damage);
        }
    }

    public void Augment(FeedSample sample)
    {
        (var batch, var slot, var clip, var plan) = (sample.Assembly.Batch, sample.Slot, sample.Clip, sample.Plan);
        (batch.Ids[slot], batch.Indices[slot], batch.Draws[slot], batch.Plans[slot]) = (clip.Id, plan.Stretch.Index, sample.Drawn, plan);
        for (var view = 0; view < _video.Length; view++)
        {
            var bytes = clip.FrameBytes;
            var window = sample.Raw.Frames(options.FramesRead * bytes).Slice(plan.FirstRead(view, options) * bytes, _video[view].Frames * bytes);
            var destination = options.AsLevels ? new VideoDestination(batch.Levels[view].Row(slot)) : batch.Video[view].Row(slot);
            augmenter.Video(sample.Drawn, view, window, clip.Height, clip.Width, _video[view].Size, destination);
        }

        for (int view = 0, at = 0; view < batch.Audio.Count; at += _audio[view++])
        {
            var window = sample.Raw.Mel(_melValues).Slice(at * _mels, _audio[view] * _mels);
            augmenter.Audio(sample.Drawn, view, window, _mels, batch.Audio[view].Row(slot));
        }

        new SampleRandom(sample.Key, SamplePurpose.VideoMaskNoise).Fill(Row(batch.VideoNoise));
        new SampleRandom(sample.Key, SamplePurpose.AudioMaskNoise).Fill(Row(batch.AudioNoise));

        Span<float> Row(float[] noise) => noise.AsSpan(slot * (noise.Length / batch.Size), noise.Length / batch.Size);
    }

    /// <summary>The sample's slot is filled, and its windows are in nobody's way any more.</summary>
    public void Settle(FeedSample sample)
    {
        sample.Dispose();
        sample.Assembly.ReturnWindows(WindowBytes(sample.Plan.Stretch));
    }

    private void ReadVideo(FeedSample sample)
    {
        if (!options.Video)
        {
            return;
        }

        (var plan, var bytes) = (sample.Plan, sample.Clip.FrameBytes);
        var frames = sample.Raw.Frames(options.FramesRead * bytes);
        for (var view = 0; view < _video.Length; view++)
        {
            (var first, var count) = (plan.FirstRead(view, options), _video[view].Frames);
            if (view == 0 || options.LocalFrom == LocalFrom.Clip)
            {
                windows.ReadFrames(plan.Stretch, plan.Video[view], count, frames.Slice(first * bytes, count * bytes));
            }
        }
    }

    private void ReadAudio(FeedSample sample)
    {
        if (!options.Audio)
        {
            return;
        }

        Span<(int First, int Frames)> cuts = stackalloc (int, int)[_audio.Length];
        for (var view = 0; view < cuts.Length; view++)
        {
            cuts[view] = (sample.Plan.Audio[view], _audio[view]);
        }

        var mel = sample.Raw.Mel(_melValues);
        Span<double> volumes = stackalloc double[cuts.Length];
        windows.ReadAudio(sample.Plan.Stretch, cuts, mel, TakeVolumes(sample, volumes));
    }

    // Where there is a waveform the volume is changed there, before the spectrogram; nothing of it is left to do after.
    private static ReadOnlySpan<double> TakeVolumes(FeedSample sample, Span<double> volumes)
    {
        if (sample.Drawn is not { Audio.Count: > 0 } drawn || !WindowReader.HasWaveform(sample.Clip))
        {
            return [];
        }

        for (var view = 0; view < volumes.Length; view++)
        {
            volumes[view] = drawn.Audio[view].Volume;
        }

        sample.Drawn = drawn with { Audio = [.. drawn.Audio.Select(view => view with { Volume = 1 })] };
        return volumes;
    }
}
