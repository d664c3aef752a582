using System.IO.Compression;
using System.Text;
using ICSharpCode.SharpZipLib.Checksum;

namespace Xkd.Model.Weights;

/// <summary>
/// The container PyTorch writes since 1.6: a zip of stored (never compressed) records <c>NAME/data.pkl</c> and <c>NAME/data/KEY</c>.
/// </summary>
internal sealed class ZipContainer : IStorageSource, IDisposable
{
    private readonly ZipArchive _archive;
    private readonly long _length;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly string _root;

    public ZipContainer(Stream stream)
    {
        _length = stream.Length;
        _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        try
        {
            foreach (var entry in _archive.Entries)
            {
                if (!_entries.TryAdd(entry.FullName, entry))
                    throw new PickleFormatException($"two records are named {entry.FullName}");
            }

            const string Pickle = "/data.pkl";
            var pickle = _entries.Keys.FirstOrDefault(name => name.EndsWith(Pickle, StringComparison.Ordinal) && name.IndexOf('/') == name.Length - Pickle.Length)
                ?? throw new PickleFormatException("the zip archive holds no data.pkl, so PyTorch did not write it");
            _root = pickle[..^"data.pkl".Length];
            if (_entries.TryGetValue(_root + "byteorder", out var order) && Encoding.ASCII.GetString(Bytes(order)) != "little")
                throw new PickleFormatException("its numbers are big-endian; save it again on a little-endian machine");
        }
        catch
        {
            _archive.Dispose();
            throw;
        }
    }

    /// <summary>The pickled object.</summary>
    public object? Object()
    {
        var bytes = Bytes(_entries[_root + "data.pkl"]);
        return new PickleMachine(new PickleInput(new MemoryStream(bytes, writable: false), bytes.Length)).Run();
    }

    public byte[] Read(PickleStorage storage)
    {
        if (!_entries.TryGetValue($"{_root}data/{storage.Key}", out var entry))
            throw new PickleFormatException($"storage {storage.Key} is not in the file");

        var expected = checked(storage.Elements * Dtypes.ElementSize(storage.Dtype));
        return entry.Length == expected
            ? Bytes(entry)
            : throw new PickleFormatException($"storage {storage.Key} has {entry.Length} bytes, {storage.Elements} elements of {storage.Dtype} need {expected}");
    }

    public void Dispose() => _archive.Dispose();

    private byte[] Bytes(ZipArchiveEntry entry)
    {
        // A compressed record could claim any size; PyTorch never writes one.
        if (entry.CompressedLength != entry.Length || entry.Length < 0 || entry.Length > Math.Min(_length, Array.MaxLength))
            throw new PickleFormatException($"record {entry.FullName} claims {entry.Length} bytes, {entry.CompressedLength} of them stored, in a {_length}-byte file");

        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new PickleFormatException($"record {entry.FullName} is truncated");

        var checksum = new Crc32();
        checksum.Update(bytes);
        return (uint)checksum.Value == entry.Crc32
            ? bytes
            : throw new PickleFormatException($"record {entry.FullName} is damaged: its checksum is {checksum.Value:x8}, {entry.Crc32:x8} was written");
    }
}
