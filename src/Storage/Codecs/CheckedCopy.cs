using System.Runtime.Intrinsics.X86;

namespace Xkd.Storage;

/// <summary>Copies frames and takes the checksum of each in one pass.</summary>
internal static class CheckedCopy
{
    private const int Streams = 4;
    private const int Worthwhile = 2048; // bytes of a frame: the ends of each go byte by byte
    private const int Piece = 16 << 10; // well inside a core's first-level cache

    /// <summary>Where the processor can, the copy goes past its caches: payload is too large to be found there again.</summary>
    /// <param name="source">Frames, one after the other.</param>
    /// <param name="size">Bytes of each.</param>
    /// <param name="destination">Receives them.</param>
    /// <param name="crcs">Receives the CRC-32C of each; says how many there are.</param>
    public static void Copy(ReadOnlySpan<byte> source, int size, Span<byte> destination, Span<uint> crcs)
    {
        var done = 0;
        if (Pclmulqdq.V512.IsSupported && size >= Worthwhile)
        {
            for (; done + Streams <= crcs.Length; done += Streams)
            {
                CopyPast(source.Slice(done * size, Streams * size), size, destination.Slice(done * size, Streams * size), crcs.Slice(done, Streams));
            }

            Sse.StoreFence(); // whoever is told of the copy next must see it
        }

        for (; done < crcs.Length; done++)
        {
            crcs[done] = CopyThrough(source.Slice(done * size, size), destination.Slice(done * size, size));
        }
    }

    private static uint CopyThrough(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        uint crc = 0;
        while (!source.IsEmpty)
        {
            var now = Math.Min(Piece, source.Length);
            source[..now].CopyTo(destination);
            crc = Crc32C.Append(crc, destination[..now]);
            source = source[now..];
            destination = destination[now..];
        }

        return crc;
    }

    // Stores past the caches want whole lines: what lies before the first and after the last of a frame's destination goes the usual way.
    private static unsafe void CopyPast(ReadOnlySpan<byte> source, int size, Span<byte> destination, Span<uint> crcs)
    {
        byte** from = stackalloc byte*[Streams], to = stackalloc byte*[Streams];
        Span<int> heads = stackalloc int[Streams];
        Span<uint> states = stackalloc uint[Streams];
        Span<byte> lines = stackalloc byte[Streams * Crc32CFolding.Line];
        fixed (byte* first = source, firstTo = destination)
        {
            for (var i = 0; i < Streams; i++)
            {
                heads[i] = (int)(-(nint)(firstTo + (i * size)) & (Crc32CFolding.Line - 1));
                var head = source.Slice(i * size, heads[i]);
                head.CopyTo(destination[(i * size)..]);
                states[i] = Crc32C.Walk(~0u, head);
                from[i] = first + (i * size) + heads[i];
                to[i] = firstTo + (i * size) + heads[i];
            }

            var whole = (size - Crc32CFolding.Line) / Crc32CFolding.Line * Crc32CFolding.Line; // of every one, whatever its head
            Crc32CFolding.Copy512(states, from, to, (nuint)whole, lines);
            for (var i = 0; i < Streams; i++)
            {
                var end = (i * size) + heads[i] + whole;
                var tail = source[end..((i + 1) * size)];
                tail.CopyTo(destination[end..]);
                crcs[i] = ~Crc32C.Walk(Crc32C.Walk(0, lines.Slice(i * Crc32CFolding.Line, Crc32CFolding.Line)), tail);
            }
        }
    }
}
