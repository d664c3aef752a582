using System.Numerics;
using Xkd.Pipeline;

namespace Xkd.Experiments.AvDigits;

/// <summary>Paints one clip: the digit, tinted and turned a little, sways across a smooth background that shifts; one clip in three has a disc crossing it.</summary>
internal sealed class DigitPainter
{
    private const double DistractorShare = 1.0 / 3;
    private readonly int _width;
    private readonly int _height;
    private readonly byte[] _digit;
    private readonly (float X, float Y, float Speed, float Phase, Vector3 Tint)[] _waves = new (float, float, float, float, Vector3)[4];
    private readonly Vector3 _ground;
    private readonly Vector3 _ink;
    private readonly float _size;
    private readonly Vector2 _centre;
    private readonly Vector2 _reach;
    private readonly Vector2 _rate;
    private readonly Vector2 _phase;
    private readonly float _turn;
    private readonly float _sway;
    private readonly (Vector2 From, Vector2 Speed, Vector3 Colour, float Radius)? _distractor;

    public DigitPainter(int width, int height, byte[] digit, SampleRandom random)
    {
        (_width, _height, _digit) = (width, height, digit);
        _ground = Colour(ref random, 20, 110);
        _ink = Colour(ref random, 150, 255);
        for (var i = 0; i < _waves.Length; i++)
        {
            _waves[i] = (Between(ref random, -0.06, 0.06), Between(ref random, -0.06, 0.06), Between(ref random, -2, 2), Between(ref random, 0, Math.Tau),
                new Vector3(Between(ref random, -14, 14), Between(ref random, -14, 14), Between(ref random, -14, 14)));
        }

        _size = height * Between(ref random, 0.5, 0.7);
        _centre = new Vector2(width * Between(ref random, 0.42, 0.58), height * Between(ref random, 0.42, 0.58));
        _reach = new Vector2(width * Between(ref random, 0.03, 0.14), height * Between(ref random, 0.03, 0.14));
        _rate = new Vector2(Between(ref random, 1, 2.5), Between(ref random, 1, 2.5));
        _phase = new Vector2(Between(ref random, 0, Math.Tau), Between(ref random, 0, Math.Tau));
        _turn = Between(ref random, -0.25, 0.25);
        _sway = Between(ref random, 0, 0.15);
        if (random.Chance(DistractorShare))
        {
            Vector2 from = new(width * Between(ref random, 0, 1), height * Between(ref random, 0, 1));
            _distractor = (from, new Vector2(Between(ref random, -40, 40), Between(ref random, -40, 40)), Colour(ref random, 60, 255), Between(ref random, 4, 9));
        }
    }

    /// <summary>Paints the frame at a time in seconds: rgb24 [height, width, 3].</summary>
    public void Paint(double seconds, Span<byte> rgb)
    {
        var t = (float)seconds;
        var centre = _centre + (_reach * new Vector2(MathF.Sin((_rate.X * t) + _phase.X), MathF.Sin((_rate.Y * t) + _phase.Y)));
        var (sin, cos) = MathF.SinCos(_turn + (_sway * MathF.Sin((_rate.X * t) + _phase.Y)));
        for (var y = 0; y < _height; y++)
        {
            for (var x = 0; x < _width; x++)
            {
                var colour = _ground;
                foreach (var wave in _waves)
                {
                    colour += wave.Tint * MathF.Sin((wave.X * x) + (wave.Y * y) + (wave.Speed * t) + wave.Phase);
                }

                if (_distractor is { } disc)
                {
                    Vector2 at = new(Wrap(disc.From.X + (disc.Speed.X * t), _width), Wrap(disc.From.Y + (disc.Speed.Y * t), _height));
                    colour = Vector3.Lerp(colour, disc.Colour, Math.Clamp(disc.Radius - Vector2.Distance(new Vector2(x, y), at) + 0.5f, 0, 1));
                }

                var p = (new Vector2(x, y) - centre) / _size;
                var ink = Ink(((p.X * cos) + (p.Y * sin) + 0.5f) * DigitImages.Side, ((p.Y * cos) - (p.X * sin) + 0.5f) * DigitImages.Side);
                colour = Vector3.Lerp(colour, _ink, ink);
                var o = ((y * _width) + x) * 3;
                (rgb[o], rgb[o + 1], rgb[o + 2]) = (ToByte(colour.X), ToByte(colour.Y), ToByte(colour.Z));
            }
        }
    }

    /// <summary>The handwriting between its pixels, 0 to 1; nothing outside.</summary>
    private float Ink(float x, float y)
    {
        (x, y) = (x - 0.5f, y - 0.5f);
        var (left, top) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
        var (u, v) = (x - left, y - top);
        return ((((1 - u) * At(left, top)) + (u * At(left + 1, top))) * (1 - v)) + ((((1 - u) * At(left, top + 1)) + (u * At(left + 1, top + 1))) * v);
    }

    private float At(int x, int y) => x is >= 0 and < DigitImages.Side && y is >= 0 and < DigitImages.Side ? _digit[(y * DigitImages.Side) + x] / 255f : 0;

    private static Vector3 Colour(ref SampleRandom random, double low, double high) => new(Between(ref random, low, high), Between(ref random, low, high), Between(ref random, low, high));

    private static float Between(ref SampleRandom random, double low, double high) => (float)random.Uniform(low, high);

    private static float Wrap(float value, float period) => value - (period * MathF.Floor(value / period));

    private static byte ToByte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
