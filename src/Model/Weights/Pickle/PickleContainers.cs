using System.IO.Compression;
using System.IO.Hashing;
using System.Numerics;
using System.Text;

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
                PickleFormatException.ThrowIf(!_entries.TryAdd(entry.FullName, entry), $"two records are named {entry.FullName}");
            }

            const string Pickle = "/data.pkl";
            var pickle = _entries.Keys
                .FirstOrDefault(name => name.EndsWith(Pickle, StringComparison.Ordinal) && name.IndexOf('/') == name.Length - Pickle.Length)
                ?? throw new PickleFormatException("the zip archive holds no data.pkl, so PyTorch did not write it");
            _root = pickle[..^"data.pkl".Length];
            PickleFormatException.ThrowIf(
                _entries.TryGetValue(_root + "byteorder", out var order) && Encoding.ASCII.GetString(Bytes(order)) != "little",
                "its numbers are big-endian; save it again on a little-endian machine");
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
        return new PickleMachine(new PickleInput(new MemoryStream(bytes, writable: false))).Run();
    }

    public byte[] Read(PickleStorage storage)
    {
        PickleFormatException.ThrowIf(!_entries.TryGetValue($"{_root}data/{storage.Key}", out var entry), $"storage {storage.Key} is not in the file");
        var expected = checked(storage.Elements * Dtypes.ElementSize(storage.Dtype));
        return entry.Length == expected
            ? Bytes(entry)
            : throw new PickleFormatException(
                $"storage {storage.Key} has {entry.Length} bytes, {storage.Elements} elements of {storage.Dtype} need {expected}");
    }

    public void Dispose() => _archive.Dispose();

    private byte[] Bytes(ZipArchiveEntry entry)
    {
        // A compressed record could claim any size; PyTorch never writes one.
        PickleFormatException.ThrowIf(
            entry.CompressedLength != entry.Length || entry.Length < 0 || entry.Length > Math.Min(_length, Array.MaxLength),
            $"record {entry.FullName} claims {entry.Length} bytes, {entry.CompressedLength} of them stored, in a {_length}-byte file");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        PickleFormatException.ThrowIf(
            stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length,
            $"record {entry.FullName} is truncated");
        var checksum = Crc32.HashToUInt32(bytes);
        return checksum == entry.Crc32
            ? bytes
            : throw new PickleFormatException($"record {entry.FullName} is damaged: its checksum is {checksum:x8}, {entry.Crc32:x8} was written");
    }
}

/// <summary>
/// The container PyTorch wrote before 1.6: five pickles (magic number, protocol, system, object, storage keys), then each storage as a count and raw elements.
/// </summary>
internal sealed class LegacyContainer : IStorageSource
{
    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");

    private readonly Stream _stream;
    private readonly object? _object;
    private readonly Dictionary<string, long> _offsets = new(StringComparer.Ordinal);

    public LegacyContainer(Stream stream)
    {
        _stream = stream;
        var input = new PickleInput(stream);
        PickleFormatException.ThrowIf(new PickleMachine(input).Run() is not BigInteger magic || magic != Magic, "it is a pickle, but not one torch.save wrote");
        PickleFormatException.ThrowIf(new PickleMachine(input).Run() is not (long)1001, "its legacy protocol is not 1001");
        PickleFormatException.ThrowIf(
            new PickleMachine(input).Run() is PickleDict system && system.Items.Any(item => item.Key is "little_endian" && item.Value is false),
            "its numbers are big-endian; save it again on a little-endian machine");
        Dictionary<string, PickleStorage> declared = new(StringComparer.Ordinal);
        _object = new PickleMachine(input, storage => declared[storage.Key] = storage).Run();
        if (new PickleMachine(input).Run() is not List<object?> keys)
        {
            throw new PickleFormatException("the list of its storages is missing");
        }

        foreach (var key in keys)
        {
            if (key is not string name || !declared.TryGetValue(name, out var storage) || _offsets.ContainsKey(name))
            {
                throw new PickleFormatException("the list of its storages names one that no tensor uses, or one twice");
            }

            var elements = input.ReadInt64();
            PickleFormatException.ThrowIf(elements != storage.Elements, $"storage {name} has {elements} elements, its tensors declare {storage.Elements}");
            _offsets[name] = stream.Position;
            var end = checked(stream.Position + (elements * Dtypes.ElementSize(storage.Dtype)));
            stream.Position = end <= stream.Length ? end : throw new EndOfStreamException();
        }
    }

    /// <summary>The pickled object.</summary>
    public object? Object() => _object;

    public byte[] Read(PickleStorage storage)
    {
        PickleFormatException.ThrowIf(!_offsets.TryGetValue(storage.Key, out var offset), $"storage {storage.Key} is not in the file");
        // The constructor has seen that this many bytes are there; one key may still be declared twice with two types.
        var count = checked(storage.Elements * Dtypes.ElementSize(storage.Dtype));
        PickleFormatException.ThrowIf(
            count > Math.Min(_stream.Length - offset, Array.MaxLength),
            $"storage {storage.Key} needs {count} bytes, the file has {_stream.Length - offset} left");
        _stream.Position = offset;
        var bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }
}

/// <summary>Where a PyTorch file keeps the bytes of its storages.</summary>
internal interface IStorageSource
{
    /// <summary>All bytes of a storage.</summary>
    /// <exception cref="PickleFormatException">It is absent, of another size than the pickle declares, or damaged.</exception>
    byte[] Read(PickleStorage storage);
}
