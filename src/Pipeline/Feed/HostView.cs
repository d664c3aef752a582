namespace Xkd.Pipeline;

/// <summary>One view of a batch in host memory.</summary>
/// <typeparam name="T">byte for levels of 0 … 255, float for normalised values.</typeparam>
public sealed class HostView<T>
    where T : unmanaged
{
    internal HostView(params long[] shape)
    {
        Shape = shape;
        Length = checked((int)shape.Aggregate(1L, (a, b) => a * b));

        // Pinned: a device copy can take it as it stands. Reused by later batches, so the large object heap is not churned.
        Data = GC.AllocateUninitializedArray<T>(Length, pinned: true);
    }

    /// <summary>[batch, 3, frames, height, width] of video, [batch, 1, mels, frames] of audio.</summary>
    public long[] Shape { get; }

    /// <summary>Values, row-major; the first <see cref="Length"/> count. Valid until the batch is disposed.</summary>
    public T[] Data { get; }

    /// <summary>The product of the shape.</summary>
    public int Length { get; }

    internal Span<T> Row(int row)
    {
        var size = Length / (int)Shape[0];
        return Data.AsSpan(row * size, size);
    }
}
