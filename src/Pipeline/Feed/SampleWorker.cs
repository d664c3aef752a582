using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// What is done for one sample: read its windows, then make its views and its noise in its slot of the batch. Where augmentation is
/// deferred the windows are read into the batch itself, and the draws are kept with it. Thread-safe.
/// </summary>
internal sealed class SampleWorker(FeedOptions options, WindowReader windows, ISampleAugmenter augmenter)
{
    private readonly int[] _audioFrames = [options.AudioFrames, .. Enumerable.Repeat(options.LocalAudioFrames, options.LocalAudioViews)];
    private readonly int[] _videoFrames = options.Video ? [options.Frames, .. Enumerable.Repeat(options.LocalFrames, options.LocalVideoViews)] : [];
    private readonly int[] _sizes = [options.FrameSize, .. Enumerable.Repeat(options.LocalFrameSize, options.LocalVideoViews)];

    /// <summary>Bytes the windows of a stretch take between reading and augmentation.</summary>
    public long WindowBytes(Stretch stretch)
    {
        var video = options.Video ? (long)options.FramesRead * stretch.FrameBytes : 0;
        return video + (options.Audio ? (sizeof(short) * (long)_audioFrames.Sum() * options.Mel.Mels) + WindowReader.AudioBytes(stretch, options.Mel) : 0);
    }

    /// <summary>Where the windows of a recording's sample begin.</summary>
    public WindowPlan Draw(in SampleKey key, IReadOnlyList<Stretch> recording) => WindowPlan.Draw(key, recording, options, windows);

    /// <exception cref="CorruptCacheException">The row's bytes are not what was committed.</exception>
    public void Read(FeedSample sample)
    {
        var clip = sample.Clip;
        var plan = sample.Plan;
        sample.Drawn = augmenter.Draw(sample.Key, clip.Height, clip.Width);
        if (options.Video)
        {
            var batch = options.DeferAugmentation ? sample.Assembly.Batch.Frames : null;
            var frames = batch is null ? sample.Raw.Frames(options.FramesRead * clip.FrameBytes) : batch.Place(sample.Slot, clip);
            for (var view = 0; view < _videoFrames.Length; view++)
            {
                var first = plan.FirstRead(view, options);
                if (view == 0 || options.LocalFrom == LocalFrom.Clip)
                {
                    windows.ReadFrames(plan.Stretch, plan.Video[view], _videoFrames[view], frames.Slice(first * clip.FrameBytes, _videoFrames[view] * clip.FrameBytes));
                }

                if (batch is not null)
                {
                    sample.Assembly.Batch.Windows[view].Cut(sample.Slot, batch.Clips[sample.Slot], first);
                }
            }
        }

        if (options.Audio)
        {
            Span<(int First, int Frames)> cuts = stackalloc (int, int)[_audioFrames.Length];
            for (var view = 0; view < cuts.Length; view++)
            {
                cuts[view] = (plan.Audio[view], _audioFrames[view]);
            }

            var mel = sample.Raw.Mel(_audioFrames.Sum() * options.Mel.Mels);
            Span<double> volumes = stackalloc double[cuts.Length];
            windows.ReadAudio(plan.Stretch, cuts, mel, TakeVolumes(sample, volumes));
            for (var view = 0; options.DeferAugmentation && view < cuts.Length; view++)
            {
                var window = sample.Assembly.Batch.Mel[view].Row(sample.Slot);
                mel[..window.Length].CopyTo(window);
                mel = mel[window.Length..];
            }
        }
    }

    public void Augment(FeedSample sample)
    {
        var batch = sample.Assembly.Batch;
        var clip = sample.Clip;
        var drawn = sample.Drawn;
        (batch.Ids[sample.Slot], batch.Indices[sample.Slot]) = (clip.Id, sample.Plan.Stretch.Index);
        (batch.Draws[sample.Slot], batch.Plans[sample.Slot]) = (drawn, sample.Plan);
        if (options.Video && !options.DeferAugmentation)
        {
            ReadOnlySpan<byte> frames = sample.Raw.Frames(options.FramesRead * clip.FrameBytes);
            for (var view = 0; view < _videoFrames.Length; view++)
            {
                var window = frames.Slice(sample.Plan.FirstRead(view, options) * clip.FrameBytes, _videoFrames[view] * clip.FrameBytes);
                augmenter.Video(drawn, view, window, clip.Height, clip.Width, _sizes[view], batch.Video[view].Row(sample.Slot));
            }
        }

        if (options.Video)
        {
            new SampleRandom(sample.Key, SamplePurpose.VideoMaskNoise).Fill(batch.VideoNoise.AsSpan(sample.Slot * options.VideoTokens, options.VideoTokens));
        }

        if (options.Audio && !options.DeferAugmentation)
        {
            ReadOnlySpan<Half> mel = sample.Raw.Mel(_audioFrames.Sum() * options.Mel.Mels);
            for (var view = 0; view < _audioFrames.Length; view++)
            {
                var values = _audioFrames[view] * options.Mel.Mels;
                augmenter.Audio(drawn, view, mel[..values], options.Mel.Mels, batch.Audio[view].Row(sample.Slot));
                mel = mel[values..];
            }
        }

        if (options.Audio)
        {
            new SampleRandom(sample.Key, SamplePurpose.AudioMaskNoise).Fill(batch.AudioNoise.AsSpan(sample.Slot * options.AudioTokens, options.AudioTokens));
        }
    }

    // Where there is a waveform the volume is changed there, before the spectrogram; nothing of it is left to do after.
    private static ReadOnlySpan<double> TakeVolumes(FeedSample sample, Span<double> volumes)
    {
        if (sample.Drawn is not { } drawn || !WindowReader.HasWaveform(sample.Clip))
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

    /// <summary>The sample's slot is filled. Windows that became views are in nobody's way any more; those delivered as read stay with the batch.</summary>
    public void Settle(FeedSample sample)
    {
        if (options.DeferAugmentation)
        {
            sample.Dispose();
        }
        else
        {
            sample.ReleaseWindows();
        }
    }
}
