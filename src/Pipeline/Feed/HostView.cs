namespace Xkd.Pipeline;

/// <summary>A batch of one view in host memory.</summary>
public sealed class HostView
{
    internal HostView(params long[] shape)
    {
        Shape = shape;
        Length = checked((int)shape.Aggregate(1L, (a, b) => a * b));

        // Pinned: a device copy can take it as it stands. Reused by later batches, so the large object heap is not churned.
        Data = GC.AllocateUninitializedArray<float>(Length, pinned: true);
    }

    /// <summary>[batch, 3, frames, height, width] of video, [batch, 1, mels, frames] of audio.</summary>
    public long[] Shape { get; }

    /// <summary>Values, row-major; the first <see cref="Length"/> count. Valid until the batch is disposed.</summary>
    public float[] Data { get; }

    /// <summary>The product of the shape.</summary>
    public int Length { get; }

    internal Span<float> Row(int row)
    {
        var size = Length / (int)Shape[0];
        return Data.AsSpan(row * size, size);
    }
}

/// <summary>One audio view of a batch as read: log-mel in float16.</summary>
public sealed class HostSpectrograms
{
    internal HostSpectrograms(int rows, int mels, int frames)
    {
        Shape = [rows, mels, frames];
        Data = GC.AllocateUninitializedArray<Half>(checked(rows * mels * frames), pinned: true);
    }

    /// <summary>[batch, mels, frames].</summary>
    public long[] Shape { get; }

    /// <summary>Values, row-major. Pinned, and valid until the batch is disposed.</summary>
    public Half[] Data { get; }

    internal Span<Half> Row(int row)
    {
        var size = Data.Length / (int)Shape[0];
        return Data.AsSpan(row * size, size);
    }
}
