namespace Xkd.Ingest;

/// <summary>One clip of a source: a stretch of its frames and of its samples that begin at the same instant.</summary>
internal sealed record ClipSegment(int Index, double Start, double Duration, int FirstFrame, int NumFrames, long FirstSample, int NumSamples)
{
    /// <summary>
    /// Cuts a source into stretches of <paramref name="maxClip"/> seconds. One that is no longer is a single segment. The video sets the length where
    /// there is one; a last stretch below a second joins nothing and is left out.
    /// </summary>
    public static IReadOnlyList<ClipSegment> Cut(int frames, double fps, long samples, int rate, double maxClip)
    {
        var framesEach = Math.Max(1, (int)Math.Round(maxClip * fps));
        var samplesEach = (long)Math.Round(framesEach / fps * rate);
        var count = frames > 0 ? Pieces(frames, framesEach, fps) : Pieces(samples, samplesEach, rate);
        return [.. Enumerable.Range(0, count).Select(At)];

        ClipSegment At(int k)
        {
            var numFrames = Math.Clamp(frames - (k * framesEach), 0, framesEach);
            var firstSample = Math.Min(samples, k * samplesEach);
            var numSamples = (int)Math.Min(samples - firstSample, samplesEach);
            var seconds = numFrames > 0 ? numFrames / fps : (double)numSamples / rate;
            return new ClipSegment(k, k * framesEach / fps, seconds, k * framesEach, numFrames, firstSample, numSamples);
        }
    }

    private static int Pieces(long total, long each, double perSecond)
    {
        var whole = (int)(total / each);
        return whole == 0 || total % each >= perSecond ? whole + 1 : whole;
    }
}
