using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>
/// Sounds one demonstration clip: its class's pattern in time (trill, gate, sweep, burst, pluck), clear enough that a sound can teach a picture. Pitch, tempo, loudness,
/// noise and the instant it begins at are drawn without regard to the class.
/// </summary>
internal sealed class ClipSynthesizer
{
    private readonly int _rate;
    private readonly ShapeClass _class;
    private readonly double _pitch;
    private readonly double _period;
    private readonly double _offset;
    private readonly double _level;
    private readonly double _noise;
    private readonly double _colour;
    private readonly double _tremolo;
    private SampleRandom _random;

    public ClipSynthesizer(int rate, ShapeClass shape, SampleRandom random)
    {
        (_rate, _class) = (rate, shape);
        _pitch = 220 * Math.Pow(2, random.Uniform(0, 0.4));
        _period = random.Uniform(0.36, 0.44);
        _offset = random.Uniform(0, 1);
        _level = Math.Pow(10, random.Uniform(-16, -12) / 20);
        _noise = _level * Math.Pow(10, random.Uniform(-36, -28) / 20);
        _colour = random.Uniform(0, 0.95);
        _tremolo = random.Uniform(0, 0.4);
        _random = random;
    }

    /// <summary>Fills with 16-bit samples from the clip's beginning.</summary>
    public void Render(Span<short> samples)
    {
        double phase = 0, coloured = 0, burst = 0;
        var keep = Math.Sqrt(1 - (_colour * _colour));
        for (var i = 0; i < samples.Length; i++)
        {
            var t = (double)i / _rate;
            var beat = (t / _period) + _offset;
            var u = beat - Math.Floor(beat);
            phase += Math.Tau * Frequency(u) / _rate;
            coloured = (_colour * coloured) + (keep * White());
            burst = (0.7 * burst) + (0.7 * White());
            var tone = Tone(phase, u, burst) * (1 - (_tremolo * (0.5 + (0.5 * Math.Sin(1.3 * t * Math.Tau)))));
            var value = (_level * tone) + (_noise * coloured);
            samples[i] = (short)Math.Clamp(value * 32767, short.MinValue, short.MaxValue);
        }
    }

    /// <summary>Hertz at the part <paramref name="u"/> of a period.</summary>
    private double Frequency(double u) => _class switch
    {
        ShapeClass.Disc => (u * 2 % 1) < 0.5 ? _pitch : _pitch * 1.34,
        ShapeClass.Triangle => _pitch * Math.Pow(3, u),
        ShapeClass.Star => _pitch * Math.Pow(3, 1 - u),
        _ => _pitch,
    };

    private double Tone(double phase, double u, double burst) => _class switch
    {
        ShapeClass.Disc => Rich(phase),
        ShapeClass.Square => u < 0.5 ? Rich(phase) : 0,
        ShapeClass.Triangle or ShapeClass.Star => Rich(phase) * Math.Min(1, 12 * Math.Min(u, 1 - u)),
        ShapeClass.Cross => burst * Math.Exp(-9 * u),
        _ => ((0.6 * Math.Sin(phase)) + (0.4 * Math.Sin(2.76 * phase)) + (0.3 * Math.Sin(5.4 * phase))) * Math.Exp(-6 * u),
    };

    private static double Rich(double phase) => (0.6 * Math.Sin(phase)) + (0.3 * Math.Sin(2 * phase)) + (0.2 * Math.Sin(3 * phase));

    // Uniform noise of unit variance: what is added up over a spectrogram's window is as good as normal.
    private double White() => _random.Uniform(-1.732, 1.732);
}
