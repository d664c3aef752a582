using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>
/// Reads the tensors of a PyTorch file (<c>.pth</c>, <c>.pth.tar</c>, <c>.pt</c>): zip and legacy containers, every real element type, views and shared
/// storages, bare state dicts and whole training checkpoints. Nothing in the file is executed; a pickle that names anything but parts of weights is refused.
/// </summary>
internal static class PickleReader
{
    // Where training scripts keep the state dict, by how often.
    private static readonly string[] Wrappers = ["model", "state_dict", "model_state_dict", "module", "net", "network", "weights"];

    private const long FreeBytes = 64L << 20;
    private const int Expansion = 8;

    /// <summary>The tensors of the file's state dict, in its order, under the names it gives them.</summary>
    /// <exception cref="FailureException">The file is absent, damaged, of another format, or names what weights never need.</exception>
    public static IReadOnlyList<WeightTensor> Read(string path) => Open(path, (dict, source, length) => Tensors(dict, source, length));

    /// <summary>The texts that the state dict carries along: what an export says of its encoder. No tensor is read.</summary>
    /// <inheritdoc cref="Read(string)"/>
    public static IReadOnlyDictionary<string, string> Metadata(string path) => Open(path, (dict, _, _) => dict.Metadata);

    private static T Open<T>(string path, Func<PickleDict, IStorageSource, long, T> take)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            return Open(stream, take);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FailureException($"{path}: no such file", e);
        }
        catch (Exception e) when (
            e is PickleFormatException or InvalidDataException or OverflowException or NotSupportedException or UnauthorizedAccessException or IOException
                or DecoderFallbackException)
        {
            var problem = e is EndOfStreamException ? "the pickle is truncated" : e is DecoderFallbackException ? "a string is not UTF-8" : e.Message;
            throw new FailureException($"{path} cannot be read as PyTorch weights: {problem}", e);
        }
    }

    private static T Open<T>(Stream stream, Func<PickleDict, IStorageSource, long, T> take)
    {
        Span<byte> magic = stackalloc byte[4];
        var read = stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false);
        stream.Position = 0;
        if (read == 4 && magic.SequenceEqual("PK\u0003\u0004"u8))
        {
            using var zip = new ZipContainer(stream);
            return take(StateDict(zip.Object()), zip, stream.Length);
        }

        PickleFormatException.ThrowIf(
            read < 4 || magic[0] != 0x80,
            "it is neither a zip archive nor a pickle (PyTorch's tar files from before 0.1.10 are not read)");
        var legacy = new LegacyContainer(stream);
        return take(StateDict(legacy.Object()), legacy, stream.Length);
    }

    private static List<WeightTensor> Tensors(PickleDict dict, IStorageSource source, long fileLength)
    {
        var named = Named(dict);
        Dictionary<(string, string), byte[]> storages = [];
        var budget = FreeBytes + (Expansion * fileLength);
        List<WeightTensor> tensors = new(named.Count);
        foreach (var (name, tensor) in named)
        {
            var bytes = StridedTensor.Bytes(name, tensor);
            var key = (tensor.Storage.Key, tensor.Storage.Dtype);
            budget -= bytes + (storages.ContainsKey(key) ? 0 : StridedTensor.StorageBytes(tensor.Storage));
            PickleFormatException.ThrowIf(
                budget < 0 || bytes > Array.MaxLength,
                $"its tensors claim more than {Expansion} times the file's {fileLength} bytes at {name} [{string.Join(", ", tensor.Size)}]");
            // Storages are shared: tied weights and views of one buffer are read once.
            if (!storages.TryGetValue(key, out var storage))
            {
                storages[key] = storage = source.Read(tensor.Storage);
            }

            PickleFormatException.ThrowIf(
                bytes > 0 && storage.Length != tensor.Storage.Elements * Dtypes.ElementSize(tensor.Storage.Dtype),
                $"storage {tensor.Storage.Key} is declared with two sizes");
            tensors.Add(new WeightTensor(name, tensor.Storage.Dtype, tensor.Size, StridedTensor.Materialise(tensor, storage)));
        }

        return tensors;
    }

    private static PickleDict StateDict(object? root)
    {
        if (root is not PickleDict dict)
        {
            throw new PickleFormatException(root is PickleTensor ? "it holds one bare tensor, not a state dict" : "it holds no dict, so no state dict");
        }

        // A wrapper first: a training checkpoint may keep loose tensors beside its model.
        foreach (var wrapper in Wrappers)
        {
            if (dict.Items.LastOrDefault(item => item.Key as string == wrapper).Value is PickleDict inner && Named(inner).Count > 0)
            {
                return inner;
            }
        }

        if (Named(dict).Count > 0)
        {
            return dict;
        }

        var keys = dict.Items.Select(item => item.Key as string ?? "?").Take(12);
        throw new PickleFormatException($"no state dict is in it: its keys are {string.Join(", ", keys)}");
    }

    // What is no tensor in a state dict (a module's extra state, a counter) is no weight.
    private static Dictionary<string, PickleTensor> Named(PickleDict dict)
    {
        Dictionary<string, PickleTensor> named = new(StringComparer.Ordinal);
        foreach (var (key, value) in dict.Items)
        {
            if (key is string name && value is PickleTensor tensor)
            {
                named[name] = tensor;
            }
        }

        return named;
    }
}

/// <summary>Lays a strided view of a storage out row-major, within a budget: a stride of zero lets a few bytes claim any size.</summary>
internal static class StridedTensor
{
    /// <summary>libtorch's own limit.</summary>
    public const int MostDimensions = 64;

    /// <summary>The view's size in bytes once laid out, after checking that it stays inside its storage.</summary>
    /// <exception cref="PickleFormatException">It does not.</exception>
    public static long Bytes(string name, PickleTensor tensor)
    {
        try
        {
            if (tensor.Elements == 0)
            {
                return 0;
            }

            var last = tensor.Offset;
            for (var d = 0; d < tensor.Size.Length; d++)
            {
                last = checked(last + ((tensor.Size[d] - 1) * tensor.Stride[d]));
            }

            PickleFormatException.ThrowIf(
                tensor.Offset < 0 || last >= tensor.Storage.Elements,
                $"{name} reaches element {last} of storage {tensor.Storage.Key}, which has {tensor.Storage.Elements}");
            return checked(tensor.Elements * Dtypes.ElementSize(tensor.Storage.Dtype));
        }
        catch (OverflowException)
        {
            throw new PickleFormatException($"{name} has an impossible size [{string.Join(", ", tensor.Size)}]");
        }
    }

    /// <summary>The storage's size in bytes.</summary>
    /// <exception cref="PickleFormatException">No file can hold it.</exception>
    public static long StorageBytes(PickleStorage storage) => storage.Elements <= long.MaxValue / 16
        ? storage.Elements * Dtypes.ElementSize(storage.Dtype)
        : throw new PickleFormatException($"storage {storage.Key} declares {storage.Elements} elements");

    /// <summary>The view's elements, row-major without gaps; shares the storage's memory where they lie so already.</summary>
    public static ReadOnlyMemory<byte> Materialise(PickleTensor tensor, byte[] storage)
    {
        var item = Dtypes.ElementSize(tensor.Storage.Dtype);
        var elements = checked((int)tensor.Elements);
        if (elements == 0)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        if (IsContiguous(tensor))
        {
            return storage.AsMemory(checked((int)tensor.Offset * item), elements * item);
        }

        var bytes = new byte[elements * item];
        var written = 0;
        Copy(0, tensor.Offset);
        return bytes;

        void Copy(int dimension, long from)
        {
            if (dimension == tensor.Size.Length)
            {
                storage.AsSpan((int)(from * item), item).CopyTo(bytes.AsSpan(written));
                written += item;
                return;
            }

            for (var i = 0L; i < tensor.Size[dimension]; i++)
            {
                Copy(dimension + 1, from + (i * tensor.Stride[dimension]));
            }
        }
    }

    private static bool IsContiguous(PickleTensor tensor)
    {
        var expected = 1L;
        for (var d = tensor.Size.Length - 1; d >= 0; d--)
        {
            if (tensor.Size[d] != 1 && tensor.Stride[d] != expected)
            {
                return false;
            }

            expected *= tensor.Size[d];
        }

        return true;
    }
}
