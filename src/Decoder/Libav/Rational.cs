using System.Runtime.InteropServices;

namespace Xkd.Decoder.Libav;

/// <summary>libav's AVRational.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Rational(int Numerator, int Denominator);
