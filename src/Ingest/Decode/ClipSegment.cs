namespace Xkd.Ingest;

/// <summary>One clip of a source: a stretch of its frames and of its samples that begin at the same instant.</summary>
internal sealed record ClipSegment(int Index, double Start, double Duration, int FirstFrame, int NumFrames, long FirstSample, int NumSamples)
{
    /// <summary>Whether its frames, of so many bytes each, and its samples each fit one array.</summary>
    public bool Fits(int frameBytes) => Math.Max((long)NumFrames * frameBytes, (long)NumSamples * sizeof(float)) <= Array.MaxLength;

    /// <summary>
    /// Cuts a source into stretches of <paramref name="maxClip"/> seconds. One that is no longer is a single segment. The video sets the length where
    /// there is one; a last stretch below a second joins nothing and is left out.
    /// </summary>
    public static IReadOnlyList<ClipSegment> Cut(int frames, double fps, long samples, int rate, double maxClip)
    {
        var (framesEach, samplesEach) = Each(fps, rate, maxClip);
        var count = frames > 0 ? Pieces(frames, framesEach, fps) : Pieces(samples, samplesEach, rate);
        return [.. Enumerable.Range(0, count).Select(At)];

        ClipSegment At(int k)
        {
            var numFrames = Math.Clamp(frames - (k * framesEach), 0, framesEach);
            var firstSample = Math.Min(samples, k * samplesEach);
            var numSamples = (int)Math.Min(int.MaxValue, Math.Min(samples - firstSample, samplesEach)); // more fits no array either
            var seconds = numFrames > 0 ? numFrames / fps : (double)numSamples / rate;
            return new ClipSegment(k, k * framesEach / fps, seconds, k * framesEach, numFrames, firstSample, numSamples);
        }
    }

    /// <summary>
    /// How many frames and samples a source of both must have for none of its segments to lack either; as many as there are where none does.
    /// The longer of the two then sets the length.
    /// </summary>
    public static (int Frames, long Samples) Filled(int frames, double fps, long samples, int rate, double maxClip)
    {
        var (framesEach, samplesEach) = Each(fps, rate, maxClip);
        var (ofFrames, ofSamples) = (Pieces(frames, framesEach, fps), Pieces(samples, samplesEach, rate));
        if (samples <= (ofFrames - 1) * samplesEach)
        {
            return (frames, (long)Math.Round(Math.Min(frames, (long)ofFrames * framesEach) / fps * rate));
        }

        if (frames <= (ofSamples - 1L) * framesEach)
        {
            // Rounded up, but for what is the division's own error: a second of sound is then a second of frames, which make a segment.
            return (checked((int)Math.Ceiling((Math.Min(samples, ofSamples * samplesEach) * fps / rate) - 1e-6)), samples);
        }

        return (frames, samples);
    }

    private static (int Frames, long Samples) Each(double fps, int rate, double maxClip)
    {
        var frames = Math.Max(1, (int)Math.Round(maxClip * fps));
        return (frames, (long)Math.Round(frames / fps * rate));
    }

    private static int Pieces(long total, long each, double perSecond)
    {
        var whole = (int)(total / each);
        return whole == 0 || total % each >= perSecond ? whole + 1 : whole;
    }
}
