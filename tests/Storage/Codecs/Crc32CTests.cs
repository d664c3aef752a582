using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Xkd.Storage.Tests;

public sealed class Crc32CTests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xe3069283u)] // RFC 3720's check value
    [InlineData("a", 0xc1d04330u)]
    public void Compute_KnownText_GivesThePublishedValue(string text, uint expected) => Assert.Equal(expected, Crc32C.Compute(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData(0x00, 0x8a9136aau)] // RFC 3720, B.4: 32 bytes of zeros, of ones
    [InlineData(0xff, 0x62a8ab43u)]
    public void Compute_ThirtyTwoEqualBytes_GivesThePublishedValue(byte value, uint expected) => Assert.Equal(expected, Crc32C.Compute(Enumerable.Repeat(value, 32).ToArray()));

    [Theory]
    [InlineData(6143)]
    [InlineData(6144)]
    [InlineData(6145)]
    [InlineData(50_001)]
    public void Compute_LongData_EqualsBitByBit(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        Assert.Equal(BitByBit(data), Crc32C.Compute(data));
    }

    [Fact]
    public void Append_AnyCut_EqualsTheWhole() =>
        Check.QuickThrowOnFailure(Prop.ForAll<byte[], byte[]>((a, b) => Crc32C.Append(Crc32C.Compute(a), b) == Crc32C.Compute([.. a, .. b])));

    private static uint BitByBit(byte[] data)
    {
        uint crc = ~0u;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78u);
            }
        }

        return ~crc;
    }
}
