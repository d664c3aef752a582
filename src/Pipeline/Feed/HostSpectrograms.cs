namespace Xkd.Pipeline;

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
