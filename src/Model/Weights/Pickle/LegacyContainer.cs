using System.Numerics;

namespace Xkd.Model.Weights;

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
        var input = new PickleInput(stream, stream.Length);
        if (new PickleMachine(input).Run() is not BigInteger magic || magic != Magic)
            throw new PickleFormatException("it is a pickle, but not one torch.save wrote");
        if (new PickleMachine(input).Run() is not (long)1001)
            throw new PickleFormatException("its legacy protocol is not 1001");
        if (new PickleMachine(input).Run() is PickleDict system && system.Items.Any(item => item.Key is "little_endian" && item.Value is false))
            throw new PickleFormatException("its numbers are big-endian; save it again on a little-endian machine");

        Dictionary<string, PickleStorage> declared = new(StringComparer.Ordinal);
        _object = new PickleMachine(input, storage => declared[storage.Key] = storage).Run();
        if (new PickleMachine(input).Run() is not PickleList keys)
            throw new PickleFormatException("the list of its storages is missing");

        foreach (var key in keys.Items)
        {
            if (key is not string name || !declared.TryGetValue(name, out var storage) || _offsets.ContainsKey(name))
                throw new PickleFormatException("the list of its storages names one that no tensor uses, or one twice");

            var elements = input.Int64();
            if (elements != storage.Elements)
                throw new PickleFormatException($"storage {name} has {elements} elements, its tensors declare {storage.Elements}");
            _offsets[name] = stream.Length - input.Remaining;
            input.Skip(checked(elements * Dtypes.ElementSize(storage.Dtype)));
            stream.Position = stream.Length - input.Remaining;
        }
    }

    /// <summary>The pickled object.</summary>
    public object? Object() => _object;

    public byte[] Read(PickleStorage storage)
    {
        if (!_offsets.TryGetValue(storage.Key, out var offset))
            throw new PickleFormatException($"storage {storage.Key} is not in the file");

        // The constructor has seen that this many bytes are there; one key may still be declared twice with two types.
        var count = checked(storage.Elements * Dtypes.ElementSize(storage.Dtype));
        if (count > Math.Min(_stream.Length - offset, Array.MaxLength))
            throw new PickleFormatException($"storage {storage.Key} needs {count} bytes, the file has {_stream.Length - offset} left");
        _stream.Position = offset;
        var bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }
}
