using NWaves.Utils;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What the columns and rows of a log-mel mean: seconds, and hertz on the Slaney mel scale from 0 to half the sample rate.</summary>
/// <param name="Start">Seconds at the first column.</param>
/// <param name="ColumnSeconds">Seconds from one column to the next.</param>
/// <param name="SampleRate">Of the sound, in hertz.</param>
public sealed record SpectrogramAxes(double Start, double ColumnSeconds, int SampleRate)
{
    private static readonly double[] Octaves = [125, 250, 500, 1000, 2000, 4000, 8000, 16000];

    /// <summary>The axes of a clip that begins at <paramref name="start"/> seconds.</summary>
    public static SpectrogramAxes Of(Fingerprint fingerprint, double start)
    {
        ArgumentNullException.ThrowIfNull(fingerprint);
        return new SpectrogramAxes(start, fingerprint.Hop / (double)fingerprint.SampleRate, fingerprint.SampleRate);
    }

    /// <summary>Octaves within the bands, each with the band that it is in the middle of; 0 is the lowest.</summary>
    /// <param name="mels">Bands.</param>
    internal IEnumerable<(double Band, string Text)> Frequencies(int mels)
    {
        // The centres of the bands divide the scale evenly; its two ends belong to no centre.
        var top = Scale.HerzToMelSlaney(SampleRate / 2.0);
        return Octaves.Where(f => f < SampleRate / 2.0)
            .Select(f => (Band: (Scale.HerzToMelSlaney(f) / top * (mels + 1)) - 1, Text: f < 1000 ? $"{f} Hz" : $"{f / 1000} kHz")).Where(f => f.Band >= 0);
    }

    /// <summary>Round times, each with its column.</summary>
    /// <param name="columns">How many there are.</param>
    /// <param name="apart">At least that many columns lie between two.</param>
    internal IEnumerable<(double Column, string Text)> Times(int columns, double apart)
    {
        var least = apart * ColumnSeconds;
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        var step = power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
        for (var i = (long)Math.Ceiling(Start / step); (i * step - Start) / ColumnSeconds < columns; i++)
        {
            yield return ((i * step - Start) / ColumnSeconds, $"{i * step:0.###} s");
        }
    }
}
