using System.Buffers;

namespace Xkd.Ingest.Tests;

public sealed class SpoolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-spool-").FullName;

    private readonly ArrayPool<byte> _buffers = new PayloadPool<byte>(2);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1L << 20, 1L << 20)]
    [InlineData(1L << 40, 0x7FFFFFC7L)] // the longest array of bytes
    public void MostResident_AnyGrant_IsWhatOneArrayHolds(long granted, long expected)
    {
        using var spool = new Spool(granted, _folder, _buffers);

        Assert.Equal(expected, spool.MostResident);
    }

    [Fact]
    public void Write_BeyondTheGrant_GoesOnInAFile()
    {
        using var spool = new Spool(100, _folder, _buffers);
        byte[] bytes = [.. Enumerable.Range(0, 80).Select(static i => (byte)i)];
        spool.Write(bytes);
        Assert.Equal(80, spool.Resident);
        spool.Write(bytes);

        Assert.Equal((160L, 0L), (spool.Length, spool.Resident));
        Assert.Equal([.. bytes[40..], .. bytes[..40]], spool.Read(40, 80).ToArray());
    }

    [Theory]
    [InlineData(1L << 30, 40 << 20)] // all of it stays in memory
    [InlineData(20L << 20, 0)] // it moves to a file
    public void Write_MuchMoreThanAClip_TakesAndKeepsNoLargeArray(long granted, long resident)
    {
        var (pool, megabyte) = (new RecordingPool(), new byte[1 << 20]);
        using (var spool = new Spool(granted, _folder, pool))
        {
            for (var i = 0; i < 40; i++)
            {
                Array.Fill(megabyte, (byte)i);
                spool.Write(megabyte);
            }

            Assert.Equal(resident, spool.Resident);
            for (var i = 0; i < 40; i++)
            {
                Assert.False(spool.Read((long)i << 20, 1 << 20).Span.ContainsAnyExcept((byte)i));
            }
        }

        Assert.All(pool.Rented, static bytes => Assert.InRange(bytes, 1, PayloadPool<byte>.Most));
        Assert.Equal(pool.Rented, pool.Returned);
    }

    private sealed class RecordingPool : ArrayPool<byte>
    {
        public List<int> Rented { get; } = [];

        public List<int> Returned { get; } = [];

        public override byte[] Rent(int minimumLength)
        {
            Rented.Add(minimumLength);
            return new byte[minimumLength];
        }

        public override void Return(byte[] array, bool clearArray = false) => Returned.Add(array.Length);
    }
}
