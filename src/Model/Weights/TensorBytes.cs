using System.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace Xkd.Model.Weights;

/// <summary>Between libtorch tensors and <see cref="WeightTensor"/>.</summary>
internal static class TensorBytes
{
    /// <summary>
    /// The tensor's values: its own memory where it lies contiguous on the host (valid while it lives and is not changed), a copy in host memory otherwise.
    /// </summary>
    /// <exception cref="NotSupportedException">The type is not stored, or the tensor is 2 GiB or more.</exception>
    public static WeightTensor Borrow(string name, Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
        {
            return Copy(name, tensor);
        }

        return new WeightTensor(name, Dtypes.Of(tensor.dtype), tensor.shape, new TensorMemory(tensor, Length(name, tensor)).Memory);
    }

    /// <summary>The tensor's values copied into managed memory.</summary>
    /// <exception cref="NotSupportedException">The type is not stored, or the tensor is 2 GiB or more.</exception>
    public static WeightTensor Copy(string name, Tensor tensor)
    {
        var length = Length(name, tensor);
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var host = tensor.detach().to(CPU).contiguous();
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        if (length > 0)
        {
            host.bytes.CopyTo(bytes);
        }

        return new WeightTensor(name, Dtypes.Of(tensor.dtype), tensor.shape, bytes);
    }

    /// <summary>Writes the values into <paramref name="destination"/>, converting type and device.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static void CopyTo(WeightTensor weight, Tensor destination)
    {
        if (!weight.Shape.AsSpan().SequenceEqual(destination.shape))
        {
            throw new ArgumentException($"{weight} does not fit a tensor of shape [{string.Join(", ", destination.shape)}]");
        }

        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        destination.copy_(ToTensor(weight));
    }

    /// <summary>
    /// Reads a tensor of a file into <paramref name="destination"/>, straight into its memory where that is contiguous, the host's, and of the file's type.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    /// <exception cref="Storage.FailureException">There is no tensor of that name, or the file changed beneath.</exception>
    public static void Read(SafetensorsFile file, string name, Tensor destination)
    {
        if (destination.device_type == DeviceType.CPU && destination.is_contiguous() && file.Entries.TryGetValue(name, out var entry)
            && entry.Dtype == Dtypes.Of(destination.dtype) && entry.Shape.AsSpan().SequenceEqual(destination.shape) && destination.numel() > 0)
        {
            file.Read(name, destination.bytes);
            return;
        }

        CopyTo(file.Read(name), destination);
    }

    /// <summary>A new tensor in host memory with these values and this type.</summary>
    public static Tensor ToTensor(WeightTensor weight)
    {
        weight.Checked();
        var tensor = empty(weight.Shape, Dtypes.ToScalarType(weight.Dtype), CPU);
        if (weight.Data.Length > 0)
        {
            weight.Data.Span.CopyTo(tensor.bytes);
        }

        return tensor;
    }

    private static int Length(string name, Tensor tensor)
    {
        var bytes = tensor.numel() * tensor.element_size();
        return bytes <= Array.MaxLength
            ? (int)bytes
            : throw new NotSupportedException($"{name} [{string.Join(", ", tensor.shape)}] is {bytes} bytes; a stored tensor is limited to 2 GiB");
    }

    // Holds the tensor, so that the memory stays mapped as long as anyone can reach the bytes.
    private sealed unsafe class TensorMemory(Tensor tensor, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => length == 0 ? [] : tensor.bytes;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            // Native memory does not move.
            fixed (byte* start = GetSpan())
            {
                return new MemoryHandle(start + elementIndex, default, this);
            }
        }

        public override void Unpin()
        {
            // Nothing was pinned.
        }

        protected override void Dispose(bool disposing)
        {
            // The tensor belongs to the caller.
        }
    }
}
