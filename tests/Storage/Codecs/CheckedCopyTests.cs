namespace Xkd.Storage.Tests;

public sealed class CheckedCopyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2047)]
    [InlineData(2048)]
    [InlineData(2111)]
    [InlineData(4096)]
    [InlineData(50_064)]
    public void Copy_AnyPlaceInMemory_CopiesEachFrameWithItsChecksum(int size)
    {
        Random random = new(size);
        for (var frames = 0; frames <= 9; frames++)
        {
            var source = new byte[(frames * size) + 64];
            random.NextBytes(source);
            int from = random.Next(64), to = random.Next(64);
            var destination = new byte[to + (frames * size) + 64];
            var crcs = new uint[frames];
            CheckedCopy.Copy(source.AsSpan(from, frames * size), size, destination.AsSpan(to, frames * size), crcs);
            Assert.True(source.AsSpan(from, frames * size).SequenceEqual(destination.AsSpan(to, frames * size)), $"{frames} frames from {from} to {to}");
            Assert.All(destination[..to].Concat(destination[(to + (frames * size))..]), b => Assert.Equal(0, b));
            Assert.Equal(Enumerable.Range(0, frames).Select(i => Crc32C.Compute(source.AsSpan(from + (i * size), size))), crcs);
        }
    }

    [Fact]
    public void Copy_OneFlippedBit_ChangesThatFramesChecksumAlone()
    {
        const int size = 3000, frames = 4;
        byte[] source = new byte[frames * size], destination = new byte[frames * size];
        new Random(1).NextBytes(source);
        uint[] before = new uint[frames], after = new uint[frames];
        CheckedCopy.Copy(source, size, destination, before);
        for (var at = 0; at < source.Length; at += 97)
        {
            source[at] ^= 16;
            CheckedCopy.Copy(source, size, destination, after);
            source[at] ^= 16;
            for (var frame = 0; frame < frames; frame++)
            {
                Assert.Equal(frame != at / size, before[frame] == after[frame]);
            }
        }
    }
}
