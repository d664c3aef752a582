using System.Buffers;

namespace Xkd.Ingest;

/// <summary>
/// Bytes of unknown number: in a pooled buffer while they are few, in a block of their own when they are many, in a temporary file beyond the limit, so that an hour-long
/// source does not take the memory of a hundred short ones, nor leave it taken. The file has no name once it is open: a crash leaves nothing behind.
/// </summary>
internal sealed class Spool(long residentBytes, string? folder, ArrayPool<byte> buffers) : IDisposable
{
    private byte[] _buffer = [];
    private LargeBlock? _block;
    private FileStream? _file;

    // TMPDIR, else where large temporary files belong: /tmp is memory on many systems. The cache's own folder may be another machine's disk.
    private static string LocalFolder =>
        Environment.GetEnvironmentVariable("TMPDIR") is not { Length: > 0 } && Directory.Exists("/var/tmp") ? "/var/tmp" : Path.GetTempPath();

    /// <summary>Bytes kept in memory at most: as many as were granted, and no more than one array holds.</summary>
    public long MostResident { get; } = Math.Min(residentBytes, Array.MaxLength);

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes held in memory.</summary>
    public long Resident => _file is null ? Length : 0;

    private Memory<byte> Held => _block?.Memory ?? _buffer;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_file is null && Length + bytes.Length > MostResident)
        {
            MoveToFile();
        }

        if (_file is not null)
        {
            _file.Write(bytes);
        }
        else
        {
            Reserve(checked((int)(Length + bytes.Length)));
            bytes.CopyTo(Held.Span[(int)Length..]);
        }

        Length += bytes.Length;
    }

    /// <summary>A stretch of the bytes: a view of the buffer, or a copy out of the file.</summary>
    public ReadOnlyMemory<byte> Read(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + count, Length);
        if (_file is null)
        {
            return Held.Slice((int)offset, count);
        }

        _file.Flush();
        var copy = GC.AllocateUninitializedArray<byte>(count);
        var read = 0;
        while (read < count)
        {
            var got = RandomAccess.Read(_file.SafeFileHandle, copy.AsSpan(read), offset + read);
            read += got > 0 ? got : throw new EndOfStreamException($"the temporary file of a decoded source ended at byte {offset + read} of {Length}");
        }

        return copy;
    }

    public void Dispose()
    {
        Release();
        _file?.Dispose();
    }

    private void Release()
    {
        if (_buffer.Length > 0)
        {
            buffers.Return(_buffer);
            _buffer = [];
        }

        _block?.Free();
        _block = null;
    }

    private void Reserve(int needed)
    {
        if (needed <= Held.Length)
        {
            return;
        }

        if (needed > PayloadPool<byte>.Most)
        {
            var block = new LargeBlock((int)MostResident);
            _buffer.AsSpan(0, (int)Length).CopyTo(block.GetSpan());
            Release();
            _block = block;
            return;
        }

        var larger = buffers.Rent(Math.Max(needed, Math.Max(1 << 16, 2 * _buffer.Length)));
        _buffer.AsSpan(0, (int)Length).CopyTo(larger);
        Release();
        _buffer = larger;
    }

    private void MoveToFile()
    {
        var path = Path.Combine(folder ?? LocalFolder, $".spool-{Guid.NewGuid():N}");
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        File.Delete(path);
        _file.Write(Held.Span[..(int)Length]);
        Release();
    }
}
