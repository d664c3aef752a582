namespace Xkd.Ingest.Tests;

public sealed class SpoolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-spool-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1L << 20, 1L << 20)]
    [InlineData(1L << 40, 0x7FFFFFC7L)] // the longest array of bytes
    public void MostResident_AnyGrant_IsWhatOneArrayHolds(long granted, long expected)
    {
        using var spool = new Spool(granted, _folder);

        Assert.Equal(expected, spool.MostResident);
    }

    [Fact]
    public void Write_BeyondTheGrant_GoesOnInAFile()
    {
        using var spool = new Spool(100, _folder);
        byte[] bytes = [.. Enumerable.Range(0, 80).Select(static i => (byte)i)];
        spool.Write(bytes);
        Assert.Equal(80, spool.Resident);
        spool.Write(bytes);

        Assert.Equal((160L, 0L), (spool.Length, spool.Resident));
        Assert.Equal([.. bytes[40..], .. bytes[..40]], spool.Read(40, 80).ToArray());
    }
}
