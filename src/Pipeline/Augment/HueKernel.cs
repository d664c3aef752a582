using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>
/// Pillow's hue shift: RGB to 8-bit HSV, hue plus an offset modulo 256, and back. Pillow computes in a mix of float and double;
/// over all 2^24 colours that equals the rational arithmetic below, rounded once, but for one detail: where the hue is exactly an
/// integer n, Pillow's roundings sometimes land just below n. Its direction depends on n alone (<see cref="FallsBelow"/>).
/// A test holds every colour against a literal transcription of the definition.
/// </summary>
internal static unsafe class HueKernel
{
    private const int FromValue = 2, FromMoving = 1; // how a channel is chosen: value, moving, else the low one
    private static readonly bool[] s_fallsBelow = [.. Enumerable.Range(0, 256).Select(FallsBelow)];

    /// <summary>Steps of the eight-bit hue that a turn makes: trunc(255 · turn), modulo 256.</summary>
    public static byte OffsetOf(double turn) => unchecked((byte)(int)(turn * 255));

    /// <summary>Fills what a shift looks up for hue index 2·n + (exact ? 1 : 0), given the offset to add.</summary>
    /// <param name="offset">Added to the 8-bit hue, modulo 256.</param>
    /// <param name="table">512 entries: weight of the moving channel (0 … 85) below six choice bits at the top.</param>
    public static void Prepare(byte offset, Span<int> table)
    {
        for (var index = 0; index < 512; index++)
        {
            var n = index / 2;
            var hue = (n - (index % 2 == 1 && s_fallsBelow[n] ? 1 : 0) + offset) & 255;
            int sector = 2 * hue / 85, rest = 2 * hue - 85 * sector;
            // Red, green, blue in each sixth of the circle; the last entry (hue 255) starts over.
            (var r, var g, var b) = (sector % 6) switch
            {
                0 => (FromValue, FromMoving, 0),
                1 => (FromMoving, FromValue, 0),
                2 => (0, FromValue, FromMoving),
                3 => (0, FromMoving, FromValue),
                4 => (FromMoving, 0, FromValue),
                _ => (FromValue, 0, FromMoving),
            };
            var weight = sector % 2 == 1 ? rest : 85 - rest;
            table[index] = weight | (r << 30) | (g << 28) | (b << 26);
        }
    }

    /// <summary>Shifts the hue of planes in place; lengths are rounded up to 8.</summary>
    internal static void Shift(byte* r, byte* g, byte* b, int pixels, int* table)
    {
        if (Avx2.IsSupported)
        {
            for (var i = 0; i < pixels; i += 8)
            {
                Shift8(r + i, g + i, b + i, table);
            }
            return;
        }
        for (var i = 0; i < pixels; i++)
        {
            (r[i], g[i], b[i]) = Shift1(r[i], g[i], b[i], table);
        }
    }

    internal static (byte R, byte G, byte B) Shift1(int r, int g, int b, int* table)
    {
        int max = Math.Max(r, Math.Max(g, b)), range = max - Math.Min(r, Math.Min(g, b));
        var sixth = r == max ? 0 : g == max ? 2 : 4;
        var rest = r == max ? g - b : g == max ? b - r : r - g;
        var numerator = 85 * (sixth * range + rest);
        numerator += numerator < 0 ? 510 * range : 0;
        var denominator = 2 * Math.Max(range, 1);
        var hue = numerator / denominator;
        var entry = table[2 * hue + (hue * denominator == numerator ? 1 : 0)];
        var saturation = 255 * range / Math.Max(max, 1);
        var low = (2 * max * (255 - saturation) + 255) / 510;
        var moving = (2 * max * (21675 - saturation * (entry & 127)) + 21675) / 43350;
        return (Choose(entry >>> 30), Choose(entry >>> 28), Choose(entry >>> 26));

        byte Choose(int bits) => (byte)((bits & FromValue) != 0 ? max : (bits & FromMoving) != 0 ? moving : low);
    }

    // Every quantity is an integer below 2^24, so float32 holds it exactly; the added fractions keep quotients off the integers
    // by more than the division can err.
    private static void Shift8(byte* red, byte* green, byte* blue, int* table)
    {
        Vector256<float> r = Load(red), g = Load(green), b = Load(blue), one = Vector256.Create(1f);
        Vector256<float> max = Avx.Max(r, Avx.Max(g, b)), range = max - Avx.Min(r, Avx.Min(g, b));
        Vector256<float> isRed = Avx.CompareEqual(r, max), isGreen = Avx.CompareEqual(g, max);
        var sixth = Avx.AndNot(isRed, Avx.BlendVariable(Vector256.Create(4f), Vector256.Create(2f), isGreen));
        var rest = Avx.BlendVariable(Avx.BlendVariable(r - g, b - r, isGreen), g - b, isRed);
        var numerator = Vector256.Create(85f) * (sixth * range + rest);
        numerator += Avx.And(Avx.CompareLessThan(numerator, Vector256<float>.Zero), Vector256.Create(510f) * range);
        var denominator = Avx.Max(range, one) * 2f;
        var hue = Avx.RoundToZero((numerator + Vector256.Create(0.25f)) / denominator);
        var exact = Avx.CompareEqual(hue * denominator, numerator).AsInt32();
        var index = Avx2.Subtract(Avx2.ShiftLeftLogical(Avx.ConvertToVector256Int32(hue), 1), exact);
        var entry = Avx2.GatherVector256(table, index, sizeof(int));

        var saturation = Avx.RoundToZero((Vector256.Create(255f) * range + Vector256.Create(0.25f)) / Avx.Max(max, one));
        var twice = max * 2f;
        var low = (twice * (Vector256.Create(255f) - saturation) + Vector256.Create(255f)) * Vector256.Create(1f / 510);
        var weight = Vector256.ConvertToSingle(entry & Vector256.Create(127));
        var moving = (twice * (Vector256.Create(21675f) - saturation * weight) + Vector256.Create(21675f)) * Vector256.Create(1f / 43350);
        VectorBytes.Store8(Choose(entry, max, moving, low), red);
        VectorBytes.Store8(Choose(Avx2.ShiftLeftLogical(entry, 2), max, moving, low), green);
        VectorBytes.Store8(Choose(Avx2.ShiftLeftLogical(entry, 4), max, moving, low), blue);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Choose(Vector256<int> entry, Vector256<float> value, Vector256<float> moving, Vector256<float> low)
    {
        var other = Avx.BlendVariable(low, moving, Avx2.ShiftLeftLogical(entry, 1).AsSingle());
        return Avx.ConvertToVector256Int32WithTruncation(Avx.BlendVariable(other, value, entry.AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(byte* values) => Vector256.ConvertToSingle(VectorBytes.Widen(values));

    // The hue of integer n as Pillow computes it: h sixths in float, (h / 6 + 1) mod 1 in double and back to float, times 255.
    private static bool FallsBelow(int n)
    {
        var sixths = n / 42.5; // 0 … 6
        float h;
        if (sixths is <= 1 or >= 5)
        {
            var part = (float)(1 - Math.Abs(sixths <= 1 ? sixths : sixths - 6)); // (max - middle) / range
            h = sixths <= 1 ? 1f - part : part - 1f;
        }
        else
        {
            double nearest = sixths < 3 ? 2 : 4;
            var part = (float)(1 - Math.Abs(sixths - nearest));
            h = (float)(sixths >= nearest ? nearest + 1.0 - part : nearest + part - 1.0);
        }
        h = (float)((h / 6.0 + 1.0) % 1.0);
        return (int)(h * 255.0) < n;
    }
}
