using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>
/// Crops and resizes interleaved RGB frames to planes, bit for bit as Pillow does: horizontal pass first, then vertical, each
/// rounded to eight bits. The weights are prepared once for a clip's box; a horizontal flip costs nothing, being only another
/// order of the horizontal weights. A 22-bit weight is split into two 11-bit halves so that products fit the 16-bit
/// multiply-add of AVX2: the sum high·2^11 + low is the same integer.
/// </summary>
internal sealed unsafe class FrameResizer
{
    private const int HalfBits = 11;
    private const int Rounding = 1 << (ResizeTaps.FractionBits - 1);
    private const int BlockBytes = 16; // output bytes per horizontal step: four groups of four

    private readonly ResizeTaps _columns = new();
    private readonly ResizeTaps _rows = new();
    private AlignedBuffer<byte>? _masks;   // [blocks, pairs, 4 groups × 16]
    private AlignedBuffer<short>? _high;   // [blocks, pairs, 4 groups × 8]
    private AlignedBuffer<short>? _low;
    private int[] _offsets = [];           // [blocks, pairs, 4 groups]
    private AlignedBuffer<byte>? _narrow;  // [crop height, stride]: the horizontal pass's result
    private AlignedBuffer<byte>? _row;     // one finished row, interleaved
    private CropBox _box;
    private int _width, _height, _stride, _blocks, _pairs;
    private bool _flip, _blockwise;

    /// <summary>Chooses box, output size and flip for the frames to come.</summary>
    public void Prepare(CropBox box, int height, int width, bool flip)
    {
        (_box, _height, _width, _flip) = (box, height, width, flip);
        _columns.Prepare(box.Width, width);
        _rows.Prepare(box.Height, height);
        _stride = (3 * width + 31) / 32 * 32;
        _blocks = (3 * width + BlockBytes - 1) / BlockBytes;
        _pairs = (_columns.MaxCount + 1) / 2;
        _narrow = AlignedBuffer<byte>.AtLeast(_narrow, _stride * box.Height);
        _row = AlignedBuffer<byte>.AtLeast(_row, _stride + 64);
        _blockwise = Avx2.IsSupported && TryPrepareBlocks();
    }

    /// <summary>Resizes one frame.</summary>
    /// <param name="frame">First byte of the frame, [·, <paramref name="frameWidth"/>, 3].</param>
    /// <param name="frameWidth">Pixels of a row of the frame.</param>
    /// <param name="planes">Receives [3, planeStride] with [height, width] at each plane's start.</param>
    /// <param name="planeStride">Bytes from plane to plane: at least 32 more than height * width.</param>
    public void Run(byte* frame, int frameWidth, byte* planes, int planeStride)
    {
        var narrow = _narrow!.Pointer;
        for (var y = 0; y < _box.Height; y++)
        {
            var source = frame + ((_box.Top + y) * frameWidth + _box.Left) * 3;
            if (_blockwise)
            {
                Horizontal(source, narrow + y * _stride);
            }
            else
            {
                HorizontalScalar(source, narrow + y * _stride);
            }
        }
        for (var y = 0; y < _height; y++)
        {
            var rows = narrow + _rows.First[y] * _stride;
            if (Avx2.IsSupported)
            {
                Vertical(rows, y, _row!.Pointer);
            }
            else
            {
                VerticalScalar(rows, y, _row!.Pointer);
            }
            Interleaving.Split(_row.Pointer, _width, planes + y * _width, planeStride);
        }
    }

    // Each group of four output bytes reads one 16-byte piece of the source row; false where a piece cannot hold its taps.
    private bool TryPrepareBlocks()
    {
        var steps = _blocks * _pairs;
        _masks = AlignedBuffer<byte>.AtLeast(_masks, steps * 64);
        _high = AlignedBuffer<short>.AtLeast(_high, steps * 32);
        _low = AlignedBuffer<short>.AtLeast(_low, steps * 32);
        if (_offsets.Length < steps * 4)
        {
            _offsets = new int[steps * 4];
        }
        _masks.Span.Fill(0x80);
        _high.Span.Clear();
        _low.Span.Clear();
        var lastPiece = 3 * _box.Width - 16;
        if (lastPiece < 0)
        {
            return false;
        }
        for (var group = 0; group < 4 * _blocks; group++)
        {
            for (var pair = 0; pair < _pairs; pair++)
            {
                var step = (group / 4 * _pairs + pair) * 4 + group % 4;
                if (!TryPrepareGroup(group, pair, step, lastPiece))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private bool TryPrepareGroup(int group, int pair, int step, int lastPiece)
    {
        int lowest = lastPiece, highest = 0;
        for (var pass = 0; pass < 2; pass++)
        {
            for (var value = 0; value < 4; value++)
            {
                var output = 4 * group + value;
                for (var tap = 2 * pair; tap < 2 * pair + 2 && output < 3 * _width; tap++)
                {
                    var x = _flip ? _width - 1 - output / 3 : output / 3;
                    if (tap >= _columns.Count[x])
                    {
                        continue;
                    }
                    var at = 3 * (_columns.First[x] + tap) + output % 3;
                    if (pass == 0)
                    {
                        lowest = Math.Min(lowest, at);
                        highest = Math.Max(highest, at);
                        continue;
                    }
                    var weight = _columns.Weights[x * _columns.Stride + tap];
                    var slot = 2 * value + tap % 2;
                    _masks!.Span[16 * step + 2 * slot] = (byte)(at - lowest);
                    _high!.Span[8 * step + slot] = (short)(weight >> HalfBits);
                    _low!.Span[8 * step + slot] = (short)(weight & ((1 << HalfBits) - 1));
                }
            }
        }
        _offsets[step] = lowest;
        return highest - lowest < 16;
    }

    private void Horizontal(byte* source, byte* to)
    {
        var masks = _masks!.Pointer;
        var high = _high!.Pointer;
        var low = _low!.Pointer;
        var half = Vector256.Create(Rounding);
        fixed (int* start = _offsets)
        {
            var offsets = start;
            for (var block = 0; block < _blocks; block++)
            {
                Vector256<int> evenHigh = default, evenLow = half, oddHigh = default, oddLow = half;
                for (var pair = 0; pair < _pairs; pair++)
                {
                    // Groups 0 and 2 in one register, 1 and 3 in the other: packing then leaves them in order.
                    var even = Avx2.Shuffle(
                        Vector256.Create(Vector128.Load(source + offsets[0]), Vector128.Load(source + offsets[2])),
                        Vector256.Create(Vector128.LoadAligned(masks), Vector128.LoadAligned(masks + 32))).AsInt16();
                    var odd = Avx2.Shuffle(
                        Vector256.Create(Vector128.Load(source + offsets[1]), Vector128.Load(source + offsets[3])),
                        Vector256.Create(Vector128.LoadAligned(masks + 16), Vector128.LoadAligned(masks + 48))).AsInt16();
                    evenHigh += Avx2.MultiplyAddAdjacent(even, Vector256.Create(Vector128.LoadAligned(high), Vector128.LoadAligned(high + 16)));
                    evenLow += Avx2.MultiplyAddAdjacent(even, Vector256.Create(Vector128.LoadAligned(low), Vector128.LoadAligned(low + 16)));
                    oddHigh += Avx2.MultiplyAddAdjacent(odd, Vector256.Create(Vector128.LoadAligned(high + 8), Vector128.LoadAligned(high + 24)));
                    oddLow += Avx2.MultiplyAddAdjacent(odd, Vector256.Create(Vector128.LoadAligned(low + 8), Vector128.LoadAligned(low + 24)));
                    offsets += 4;
                    masks += 64;
                    high += 32;
                    low += 32;
                }
                var words = Avx2.PackSignedSaturate(Finish(evenHigh, evenLow), Finish(oddHigh, oddLow));
                Sse2.PackUnsignedSaturate(words.GetLower(), words.GetUpper()).StoreAligned(to);
                to += BlockBytes;
            }
        }
    }

    private void Vertical(byte* rows, int y, byte* to)
    {
        var count = _rows.Count[y];
        var weights = _rows.Weights.AsSpan(y * _rows.Stride, _rows.Stride);
        var half = Vector256.Create(Rounding);
        for (var x = 0; x < _stride; x += 32)
        {
            Vector256<int> h0 = default, h1 = default, h2 = default, h3 = default, l0 = half, l1 = half, l2 = half, l3 = half;
            for (var tap = 0; tap < count; tap += 2)
            {
                var at = rows + tap * _stride + x;
                int first = weights[tap], second = 0;
                Vector256<byte> a = Vector256.LoadAligned(at), b = Vector256<byte>.Zero;
                if (tap + 1 < count)
                {
                    second = weights[tap + 1];
                    b = Vector256.LoadAligned(at + _stride);
                }
                var high = Vector256.Create((first >> HalfBits) | (second >> HalfBits << 16)).AsInt16();
                var low = Vector256.Create((first & 0x7FF) | ((second & 0x7FF) << 16)).AsInt16();
                Vector256<byte> ab = Avx2.UnpackLow(a, b), cd = Avx2.UnpackHigh(a, b);
                Accumulate(Avx2.UnpackLow(ab, Vector256<byte>.Zero), high, low, ref h0, ref l0);
                Accumulate(Avx2.UnpackHigh(ab, Vector256<byte>.Zero), high, low, ref h1, ref l1);
                Accumulate(Avx2.UnpackLow(cd, Vector256<byte>.Zero), high, low, ref h2, ref l2);
                Accumulate(Avx2.UnpackHigh(cd, Vector256<byte>.Zero), high, low, ref h3, ref l3);
            }
            Avx2.PackUnsignedSaturate(
                Avx2.PackSignedSaturate(Finish(h0, l0), Finish(h1, l1)),
                Avx2.PackSignedSaturate(Finish(h2, l2), Finish(h3, l3))).StoreAligned(to + x);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(Vector256<byte> pairs, Vector256<short> high, Vector256<short> low, ref Vector256<int> highSum, ref Vector256<int> lowSum)
    {
        highSum += Avx2.MultiplyAddAdjacent(pairs.AsInt16(), high);
        lowSum += Avx2.MultiplyAddAdjacent(pairs.AsInt16(), low);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Finish(Vector256<int> high, Vector256<int> low) => ((high << HalfBits) + low) >> ResizeTaps.FractionBits;

    private void HorizontalScalar(byte* source, byte* to)
    {
        for (var output = 0; output < 3 * _width; output++)
        {
            var x = _flip ? _width - 1 - output / 3 : output / 3;
            var at = source + 3 * _columns.First[x] + output % 3;
            to[output] = Sum(at, 3, _columns.Weights.AsSpan(x * _columns.Stride, _columns.Count[x]));
        }
    }

    private void VerticalScalar(byte* rows, int y, byte* to)
    {
        for (var x = 0; x < 3 * _width; x++)
        {
            to[x] = Sum(rows + x, _stride, _rows.Weights.AsSpan(y * _rows.Stride, _rows.Count[y]));
        }
    }

    private static byte Sum(byte* at, int stride, ReadOnlySpan<int> weights)
    {
        var sum = Rounding;
        foreach (var weight in weights)
        {
            sum += *at * weight;
            at += stride;
        }
        return (byte)Math.Clamp(sum >> ResizeTaps.FractionBits, 0, 255);
    }
}
