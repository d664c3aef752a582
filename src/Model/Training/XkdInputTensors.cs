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
}
