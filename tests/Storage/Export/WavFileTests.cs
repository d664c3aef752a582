using System.Buffers.Binary;

namespace Xkd.Storage.Tests;

public sealed class WavFileTests
{
    [Fact]
    public void Of_Samples_FollowTheirHeader()
    {
        short[] samples = [1, -2, 30000];
        var file = WavFile.Of(samples, 16000);
        Assert.Equal(44 + 6, file.Length);
        Assert.Equal("RIFF"u8.ToArray(), file[..4]);
        Assert.Equal(16000, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(24)));
        Assert.Equal(6, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(40)));
        Assert.Equal((IEnumerable<short>)samples, [.. Enumerable.Range(0, 3).Select(i => BinaryPrimitives.ReadInt16LittleEndian(file.AsSpan(44 + (2 * i))))]);
    }
}
