using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>Mean and standard deviation over every log-mel value of the cache's clips.</summary>
public sealed record MelStatistics
{
    /// <summary>Mean of the log-mel values; 0 when there are none.</summary>
    [JsonRequired]
    public double Mean { get; init; }

    /// <summary>Population standard deviation; 1 when there are no values, so that normalising by it is harmless.</summary>
    [JsonRequired]
    public double Std { get; init; } = 1;

    /// <summary>Spectrogram frames seen.</summary>
    [JsonRequired]
    public long Frames { get; init; }

    /// <summary>Values seen: frames × mels.</summary>
    [JsonRequired]
    public long Values { get; init; }

    /// <summary>Sum of the values. Kept beside the mean so that commits add up exactly, whatever their order.</summary>
    [JsonRequired]
    public double Sum { get; init; }

    /// <summary>Sum of the squared values.</summary>
    [JsonRequired]
    public double SumSquares { get; init; }

    /// <summary>Whether there is anything to normalise by.</summary>
    [JsonIgnore]
    public bool Any => Values > 0;

    /// <summary>These statistics with those of more clips.</summary>
    public MelStatistics Add(IEnumerable<ClipEntry> clips, Fingerprint fingerprint)
    {
        ArgumentNullException.ThrowIfNull(clips);
        ArgumentNullException.ThrowIfNull(fingerprint);
        return clips.Aggregate(this, (sum, clip) => sum.Add(clip.MelStatisticFrames(fingerprint), (long)clip.MelStatisticFrames(fingerprint) * fingerprint.Mels, clip.MelSum, clip.MelSumSquares));
    }

    /// <summary>These statistics without those of some of their clips.</summary>
    public MelStatistics Remove(IEnumerable<ClipEntry> clips, Fingerprint fingerprint)
    {
        ArgumentNullException.ThrowIfNull(clips);
        ArgumentNullException.ThrowIfNull(fingerprint);
        var left = this;
        foreach (var clip in clips)
        {
            var frames = clip.MelStatisticFrames(fingerprint);
            left = left.Add(-frames, -(long)frames * fingerprint.Mels, -clip.MelSum, -clip.MelSumSquares);
        }

        return left.Any ? left : new MelStatistics(); // what rounding leaves of sums over nothing
    }

    /// <summary>These statistics with more values.</summary>
    public MelStatistics Add(long frames, long values, double sum, double sumSquares)
    {
        var n = Values + values;
        var total = Sum + sum;
        var squares = SumSquares + sumSquares;
        var mean = n == 0 ? 0 : total / n;
        return new MelStatistics
        {
            Frames = Frames + frames,
            Values = n,
            Sum = total,
            SumSquares = squares,
            Mean = mean,
            Std = n == 0 ? 1 : Math.Sqrt(Math.Max(0, (squares / n) - (mean * mean))),
        };
    }
}
