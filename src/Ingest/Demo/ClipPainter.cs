using System.Numerics;
using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>
/// Paints one demonstration clip: a field of shapes with its class's outline and motion. Colours, size, place, speed, background, noise and distractors are drawn
/// without regard to the class. Every motion looks alike in a mirror, as training flips pictures.
/// </summary>
internal sealed class ClipPainter
{
    private readonly int _width;
    private readonly int _height;
    private readonly ShapeClass _class;
    private readonly Vector3[] _background;
    private readonly byte[] _grain;
    private readonly float _grainStrength;
    private readonly (Vector2 Drift, float Phase, Vector3 Colour, float Radius)[] _distractors;
    private readonly Vector3 _colour;
    private readonly float _spacing;
    private readonly Vector2 _centre;
    private readonly Vector2 _drift;
    private readonly float _radius;
    private readonly float _reach;
    private readonly float _rate;
    private readonly float _phase;
    private readonly float _turn;
    private readonly Vector2[] _hops;
    private readonly int _scroll;

    public ClipPainter(int width, int height, ShapeClass shape, SampleRandom random)
    {
        (_width, _height, _class) = (width, height, shape);
        var ground = Colour(ref random, 30, 225);
        _background = Background(ref random, ground);
        do
        {
            _colour = Colour(ref random, 30, 225);
        }
        while (Vector3.Distance(_colour, ground) < 120);

        _spacing = height * (float)random.Uniform(0.3, 0.42);
        _radius = _spacing * (float)random.Uniform(0.36, 0.44);
        _centre = new Vector2(width * (float)random.Uniform(0.35, 0.65), height * (float)random.Uniform(0.4, 0.6));
        _drift = new Vector2((float)random.Uniform(-2, 2), (float)random.Uniform(-2, 2));
        _reach = height * (float)random.Uniform(0.14, 0.22);
        _rate = (float)random.Uniform(0.7, 1);
        _phase = (float)random.Uniform(0, 2 * Math.PI);
        _turn = (float)random.Uniform(0, 2 * Math.PI);
        _scroll = random.NextInt(9) - 4;
        _grainStrength = (float)random.Uniform(0, 0.03);
        _grain = new byte[1 << 14];
        for (var i = 0; i < _grain.Length; i++)
        {
            _grain[i] = (byte)(random.NextUInt64() >> 56);
        }

        _hops = new Vector2[16];
        for (var i = 0; i < _hops.Length; i++)
        {
            _hops[i] = new Vector2((float)random.Uniform(-1, 1), (float)random.Uniform(-1, 1));
        }

        _distractors = new (Vector2, float, Vector3, float)[random.NextInt(2)];
        for (var i = 0; i < _distractors.Length; i++)
        {
            var drift = new Vector2((float)random.Uniform(-20, 20), (float)random.Uniform(-15, 15));
            _distractors[i] = (drift, (float)random.Uniform(0, 100), Colour(ref random, 60, 230), (float)random.Uniform(3, 8));
        }
    }

    /// <summary>Paints the frame at a time in seconds: rgb24 <c>[height, width, 3]</c>.</summary>
    public void Paint(int frame, double seconds, Span<byte> rgb)
    {
        var t = (float)seconds;
        var shift = (int)(_scroll * t);
        var grainAt = frame * 7919;
        var (at, radius, angle) = Pose(t);
        for (var y = 0; y < _height; y++)
        {
            for (var x = 0; x < _width; x++)
            {
                var colour = _background[(y * _width) + ((x + shift) % _width + _width) % _width];
                var point = new Vector2(x, y);
                foreach (var (drift, phase, tint, size) in _distractors)
                {
                    var centre = new Vector2(Wrap((drift.X * t) + phase, _width), Wrap((drift.Y * t) + (2 * phase), _height));
                    colour = Vector3.Lerp(colour, tint, Coverage(Vector2.Distance(point, centre) - size));
                }

                var place = Nearest(point - at);
                colour = Vector3.Lerp(colour, _colour, Coverage(Outline(Turn(place, angle), radius)));
                var grain = (_grain[(grainAt + (((y * _width) + x) * 31)) & (_grain.Length - 1)] - 128) * _grainStrength;
                var o = ((y * _width) + x) * 3;
                rgb[o] = ToByte(colour.X + grain);
                rgb[o + 1] = ToByte(colour.Y + grain);
                rgb[o + 2] = ToByte(colour.Z + grain);
            }
        }
    }

    private (Vector2 At, float Radius, float Angle) Pose(float t)
    {
        var swing = (MathF.Tau * _rate * t) + _phase;
        var centre = _centre + (_drift * (t - 2));
        var (sin, cos) = MathF.SinCos(swing);
        return _class switch
        {
            ShapeClass.Disc => (centre + new Vector2(_reach * 1.3f * sin, 0), _radius, _turn),
            ShapeClass.Square => (centre + new Vector2(0, _reach * sin), _radius, _turn),
            ShapeClass.Triangle => (centre + (_reach * new Vector2(cos, sin)), _radius, _turn),
            ShapeClass.Star => (centre, _radius * (1 + (0.45f * sin)), _turn),
            ShapeClass.Cross => (centre, _radius, _turn + (swing * (_phase > MathF.PI ? 1 : -1))),
            _ => (centre + (_reach * _hops[(int)(t * _rate * 2.5f) % _hops.Length]), _radius, _turn),
        };
    }

    /// <summary>A place relative to the nearest of the shapes, which fill the picture in rows and columns and move as one.</summary>
    private Vector2 Nearest(Vector2 p) => new(p.X - (_spacing * MathF.Round(p.X / _spacing)), p.Y - (_spacing * MathF.Round(p.Y / _spacing)));

    /// <summary>Signed distance to the outline in pixels, roughly; negative inside.</summary>
    private float Outline(Vector2 p, float r)
    {
        var (x, y) = (Math.Abs(p.X), Math.Abs(p.Y));
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

    private static Vector2 Turn(Vector2 p, float angle)
    {
        var (sin, cos) = MathF.SinCos(angle);
        return new Vector2((p.X * cos) + (p.Y * sin), (p.Y * cos) - (p.X * sin));
    }

    private static float Coverage(float distance) => Math.Clamp(0.5f - distance, 0, 1);

    private static float Wrap(float value, float period) => value - (period * MathF.Floor(value / period));

    private static byte ToByte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
