using System.Runtime.InteropServices;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>A host batch as tensors on a device; owns them.</summary>
public sealed class XkdInputTensors : IDisposable
{
    private XkdInputTensors(XkdInput value) => Value = value;

    public XkdInput Value { get; }

    /// <summary>Copies every view and the masking noise of <paramref name="batch"/>, which may be disposed afterwards.</summary>
    public static XkdInputTensors Of(HostBatch batch, long videoTokens, long audioTokens, Device device) => new(new XkdInput(
        [.. batch.Video.Select(v => ToDevice(v.Data, v.Shape, device))],
        [.. batch.Audio.Select(v => ToDevice(v.Data, v.Shape, device))],
        ToDevice(batch.VideoNoise, [batch.Size, videoTokens], device),
        ToDevice(batch.AudioNoise, [batch.Size, audioTokens], device)));

    public void Dispose()
    {
        foreach (Tensor tensor in Value.Video.Concat(Value.Audio).Append(Value.VideoNoise).Append(Value.AudioNoise))
        {
            tensor.Dispose();
        }
    }

    /// <summary>A new tensor of <paramref name="shape"/> with the first values of <paramref name="values"/> (pooled arrays may be longer).</summary>
    public static Tensor ToDevice(float[] values, long[] shape, Device device)
    {
        int length = (int)shape.Aggregate(1L, (a, b) => a * b);
        Tensor host = empty(shape, dtype: ScalarType.Float32);
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
