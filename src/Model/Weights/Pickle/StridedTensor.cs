namespace Xkd.Model.Weights;

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
                return 0;

            var last = tensor.Offset;
            for (var d = 0; d < tensor.Size.Length; d++)
                last = checked(last + ((tensor.Size[d] - 1) * tensor.Stride[d]));
            if (tensor.Offset < 0 || last >= tensor.Storage.Elements)
                throw new PickleFormatException($"{name} reaches element {last} of storage {tensor.Storage.Key}, which has {tensor.Storage.Elements}");
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
            return ReadOnlyMemory<byte>.Empty;
        if (IsContiguous(tensor))
            return storage.AsMemory(checked((int)tensor.Offset * item), elements * item);

        var bytes = new byte[elements * item];
        var index = new long[tensor.Size.Length];
        var source = tensor.Offset;
        for (var element = 0; element < elements; element++)
        {
            storage.AsSpan((int)(source * item), item).CopyTo(bytes.AsSpan(element * item));

            // An odometer: the last dimension turns fastest.
            for (var d = index.Length - 1; d >= 0; d--)
            {
                source += tensor.Stride[d];
                if (++index[d] < tensor.Size[d])
                    break;
                source -= index[d] * tensor.Stride[d];
                index[d] = 0;
            }
        }

        return bytes;
    }

    private static bool IsContiguous(PickleTensor tensor)
    {
        var expected = 1L;
        for (var d = tensor.Size.Length - 1; d >= 0; d--)
        {
            if (tensor.Size[d] != 1 && tensor.Stride[d] != expected)
                return false;
            expected *= tensor.Size[d];
        }

        return true;
    }
}
