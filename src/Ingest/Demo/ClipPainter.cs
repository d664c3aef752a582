using System.Numerics;
using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>
/// Paints one demonstration clip: a bright figure with its class's outline, which sways and turns over a background of slow waves, and a disc that passes. Colours,
/// size, place, turn, motion, background, grain and the disc are drawn without regard to the class.
/// </summary>
internal sealed class ClipPainter
{
    private readonly int _width;
    private readonly int _height;
    private readonly ShapeClass _class;
    private readonly Vector3[] _background;
    private readonly byte[] _grain;
    private readonly float _grainStrength;
    private readonly Passer _passer;
    private readonly Vector3 _colour;
    private readonly Vector2 _centre;
    private readonly Vector2 _drift;
    private readonly Vector2 _reach;
    private readonly float _radius;
    private readonly float _rate;
    private readonly float _phase;
    private readonly float _turn;
    private readonly float _spin;
    private readonly int _scroll;

    public ClipPainter(int width, int height, ShapeClass shape, SampleRandom random)
    {
        (_width, _height, _class) = (width, height, shape);
        _background = Background(ref random, Colour(ref random, 40, 110));
        _colour = Colour(ref random, 170, 225);
        _radius = height * (float)random.Uniform(0.26, 0.36);
        _centre = new Vector2(width * (float)random.Uniform(0.35, 0.65), height * (float)random.Uniform(0.4, 0.6));
        _drift = new Vector2((float)random.Uniform(-2, 2), (float)random.Uniform(-2, 2));
        _reach = height * new Vector2((float)random.Uniform(0.14, 0.22), (float)random.Uniform(-0.2, 0.2));
        _rate = (float)random.Uniform(0.7, 1);
        _phase = (float)random.Uniform(0, Math.Tau);
        _turn = (float)random.Uniform(0, Math.Tau);
        _spin = (float)random.Uniform(-0.5, 0.5);
        _scroll = random.NextInt(9) - 4;
        _grainStrength = (float)random.Uniform(0, 0.03);
        _grain = new byte[1 << 14];
        for (var i = 0; i < _grain.Length; i++)
        {
            _grain[i] = (byte)(random.NextUInt64() >> 56);
        }

        _passer = new Passer(
            new Vector2((float)random.Uniform(-20, 20), (float)random.Uniform(-15, 15)), (float)random.Uniform(0, 100), Colour(ref random, 60, 230), (float)random.Uniform(6, 14));
    }

    /// <summary>Paints the frame at a time in seconds: rgb24 <c>[height, width, 3]</c>.</summary>
    public void Paint(int frame, double seconds, Span<byte> rgb)
    {
        var t = (float)seconds;
        var shift = (int)(_scroll * t);
        var grainAt = frame * 7919;
        var (sin, cos) = MathF.SinCos((MathF.Tau * _rate * t) + _phase);
        var at = _centre + (_drift * (t - 2)) + (_reach * new Vector2(sin, cos));
        var turned = Matrix3x2.CreateRotation(_turn + (_spin * t));
        var passing = new Vector2(Wrap((_passer.Drift.X * t) + _passer.Phase, _width), Wrap((_passer.Drift.Y * t) + (2 * _passer.Phase), _height));
        for (var y = 0; y < _height; y++)
        {
            for (var x = 0; x < _width; x++)
            {
                var point = new Vector2(x, y);
                var colour = _background[(y * _width) + (((x + shift) % _width) + _width) % _width];
                colour = Vector3.Lerp(colour, _passer.Colour, Coverage(Vector2.Distance(point, passing) - _passer.Radius));
                colour = Vector3.Lerp(colour, _colour, Coverage(Outline(Vector2.Transform(point - at, turned))));
                var grain = (_grain[(grainAt + (((y * _width) + x) * 31)) & (_grain.Length - 1)] - 128) * _grainStrength;
                var o = ((y * _width) + x) * 3;
                rgb[o] = ToByte(colour.X + grain);
                rgb[o + 1] = ToByte(colour.Y + grain);
                rgb[o + 2] = ToByte(colour.Z + grain);
            }
        }
    }

    /// <summary>Signed distance to the outline in pixels, roughly; negative inside.</summary>
    private float Outline(Vector2 p)
    {
        var (x, y, r) = (Math.Abs(p.X), Math.Abs(p.Y), _radius);
        return _class switch
        {
            ShapeClass.Disc => p.Length() - (0.9f * r),
            ShapeClass.Square => Math.Max(x, y) - (0.75f * r),
            ShapeClass.Triangle => Math.Max((x * 0.866f) + (p.Y * 0.5f), -p.Y) - (0.5f * r),
            ShapeClass.Star => p.Length() - (r * (0.68f + (0.32f * MathF.Cos(5 * MathF.Atan2(p.Y, p.X))))),
            ShapeClass.Cross => Math.Min(Math.Max(x - r, y - (0.3f * r)), Math.Max(y - r, x - (0.3f * r))),
            _ => Math.Abs(p.Length() - (0.75f * r)) - (0.22f * r),
        };
    }

    /// <summary>A sum of slow waves in random directions around the ground colour, repeating at the picture's width.</summary>
    private Vector3[] Background(ref SampleRandom random, Vector3 ground)
    {
        var waves = new (float X, float Y, float Phase, Vector3 Tint)[6];
        for (var i = 0; i < waves.Length; i++)
        {
            var tint = new Vector3((float)random.Uniform(-1, 1), (float)random.Uniform(-1, 1), (float)random.Uniform(-1, 1)) * (float)random.Uniform(2, 8);
            waves[i] = ((random.NextInt(11) - 5) * MathF.Tau / _width, (float)random.Uniform(-5, 5) * MathF.Tau / _height, (float)random.Uniform(0, Math.Tau), tint);
        }

        var picture = new Vector3[_width * _height];
        for (var i = 0; i < picture.Length; i++)
        {
            picture[i] = ground;
            foreach (var (x, y, phase, tint) in waves)
            {
                picture[i] += tint * MathF.Sin((x * (i % _width)) + (y * (i / _width)) + phase);
            }
        }

        return picture;
    }

    /// <summary>A tinted gray between two levels. Strong colours would drown everything else in the few clips of this set.</summary>
    private static Vector3 Colour(ref SampleRandom random, double low, double high)
    {
        var level = (float)random.Uniform(low, high);
        return new Vector3(level) + new Vector3((float)random.Uniform(-28, 28), (float)random.Uniform(-28, 28), (float)random.Uniform(-28, 28));
    }

    private static float Coverage(float distance) => Math.Clamp(0.5f - distance, 0, 1);

    private static float Wrap(float value, float period) => value - (period * MathF.Floor(value / period));

    private static byte ToByte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);

    /// <summary>A disc on its way through the picture, coming back on the other side.</summary>
    private readonly record struct Passer(Vector2 Drift, float Phase, Vector3 Colour, float Radius);
}
