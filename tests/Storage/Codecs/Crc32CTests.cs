using System.Runtime.Intrinsics.X86;
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
        var data = new byte[length];
        new Random(length).NextBytes(data);
        Assert.Equal(BitByBit(data), Crc32C.Compute(data));
    }

    [Fact]
    public void Append_AnyCut_EqualsTheWhole() =>
        Check.QuickThrowOnFailure(Prop.ForAll<byte[], byte[]>((a, b) => Crc32C.Append(Crc32C.Compute(a), b) == Crc32C.Compute([.. a, .. b])));

    [Fact]
    public void Compute_EveryLengthAndAlignment_EqualsBitByBit()
    {
        const int longest = 4096, alignments = 64;
        var data = new byte[longest + alignments];
        new Random(1).NextBytes(data);
        for (var start = 0; start < alignments; start++)
        {
            var expected = ~0u;
            for (var length = 0; length <= longest; length++)
            {
                ReadOnlySpan<byte> part = data.AsSpan(start, length);
                var got = Crc32C.Compute(part);
                Assert.True(got == ~expected, $"{length} bytes from {start} on: {got:x8}, not {~expected:x8}");
                Assert.True(Crc32C.Walk(~0u, part) == expected, $"{length} bytes from {start} on, walked");
                expected = BitByBit(expected, data[start + length]);
            }
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(256)]
    public void Fold_AnyNumberOfBlocks_LeadsWhereTheDataLeads(int bits)
    {
        Assert.SkipUnless(bits == 512 ? Pclmulqdq.V512.IsSupported : Pclmulqdq.V256.IsSupported, $"this processor multiplies no {bits} bits without carry");
        var block = new byte[Crc32CFolding.Block];
        for (var blocks = 1; blocks <= 20; blocks++)
        {
            Random random = new(blocks);
            var data = new byte[blocks * Crc32CFolding.Block];
            random.NextBytes(data);
            var state = (uint)random.Next();
            if (bits == 512)
            {
                Crc32CFolding.Fold512(state, data, block);
            }
            else
            {
                Crc32CFolding.Fold256(state, data, block);
            }

            Assert.Equal(Crc32C.Walk(state, data), Crc32C.Walk(0, block));
        }
    }

    private static uint BitByBit(byte[] data) => ~data.Aggregate(~0u, BitByBit);

    private static uint BitByBit(uint state, byte value)
    {
        state ^= value;
        for (var bit = 0; bit < 8; bit++)
        {
            state = (state >> 1) ^ ((state & 1) * 0x82f63b78u);
        }

        return state;
    }
}
