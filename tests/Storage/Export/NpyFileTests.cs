using System.Buffers.Binary;
using System.Text;

namespace Xkd.Storage.Tests;

public sealed class NpyFileTests
{
    [Fact]
    public void Header_TwoAxes_IsWhatNumPyWrites()
    {
        // numpy.save of a float32 array of shape (80, 448), byte for byte.
        var expected = "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (80, 448), }".PadRight(127) + "\n";
        Assert.Equal(Encoding.Latin1.GetBytes(expected), NpyFile.Header(NpyFile.Float32, 80, 448));
    }

    [Fact]
    public void Header_OneAxis_KeepsItsComma() =>
        Assert.Contains("'shape': (7,), }", Encoding.Latin1.GetString(NpyFile.Header(NpyFile.UInt8, 7)), StringComparison.Ordinal);

    [Fact]
    public void Header_AnyShape_EndsOnABoundaryOf64WithALineFeed()
    {
        for (var axis = 1L; axis < long.MaxValue / 10; axis *= 10)
        {
            var header = NpyFile.Header(NpyFile.UInt8, axis, axis, axis, axis);
            Assert.Equal(0, header.Length % 64);
            Assert.Equal(header.Length, 10 + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(8)));
            Assert.Equal((byte)'\n', header[^1]);
        }
    }
}
