using System.Runtime.InteropServices;
using Xkd.Model.Method;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>A host batch as tensors on a device; owns them.</summary>
public sealed class XkdInputTensors : IDisposable
{
    private XkdInputTensors(XkdInput value) => Value = value;

    public XkdInput Value { get; }

    /// <summary>Copies every view and the masking noise of <paramref name="batch"/>, which may be disposed afterwards.</summary>
    internal static XkdInputTensors Of(HostBatch batch, HostTensors host) =>
        Of(batch, [.. batch.Video.Select(v => host.Of(v.Data, ScalarType.Float32, v.Shape))], [.. batch.Audio.Select(v => host.Of(v.Data, ScalarType.Float32, v.Shape))], host);

    /// <summary>Views made elsewhere with the masking noise of <paramref name="batch"/>.</summary>
    internal static XkdInputTensors Of(HostBatch batch, IReadOnlyList<Tensor> video, IReadOnlyList<Tensor> audio, HostTensors host) => new(new XkdInput(
        video,
        audio,
        host.Of(batch.VideoNoise, ScalarType.Float32, batch.Size, batch.VideoNoise.Length / batch.Size),
        host.Of(batch.AudioNoise, ScalarType.Float32, batch.Size, batch.AudioNoise.Length / batch.Size)));

    public void Dispose()
    {
        foreach (var tensor in Value.Video.Concat(Value.Audio).Append(Value.VideoNoise).Append(Value.AudioNoise))
        {
            tensor.Dispose();
        }
    }

    /// <summary>A new tensor of <paramref name="shape"/> with the first values of <paramref name="values"/> (pooled arrays may be longer).</summary>
    public static Tensor ToDevice(float[] values, long[] shape, Device device)
    {
        var length = (int)shape.Aggregate(1L, (a, b) => a * b);
        var host = empty(shape, dtype: ScalarType.Float32);
        MemoryMarshal.AsBytes(values.AsSpan(0, length)).CopyTo(host.bytes);
        if (device.type == TorchSharp.DeviceType.CPU)
        {
            return host;
        }

        using (host)
        {
            return host.to(device);
        }
    }
}
