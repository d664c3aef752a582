using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>One batch on the model's device, every random choice included.</summary>
/// <param name="Video">The global view [B, C, T, H, W], then the local views (one or more unless distillation and alignment are off).</param>
/// <param name="Audio">The global view [B, 1, mels, frames], then the local views.</param>
/// <param name="VideoNoise">Uniform noise [B, N]: the cuboids with the smallest values stay visible.</param>
/// <param name="AudioNoise">Uniform noise [B, N]: the patches with the smallest values stay visible.</param>
public sealed record XkdInput(IReadOnlyList<Tensor> Video, IReadOnlyList<Tensor> Audio, Tensor VideoNoise, Tensor AudioNoise)
{
    /// <summary>Normal noise in the shapes of a configuration, drawn on the CPU so that it is the same on every device.</summary>
    public static XkdInput Random(PretrainConfig config, int batch, ulong seed, Device device)
    {
        var d = config.Data;
        using var generator = new Generator(seed, CPU);
        Tensor Normal(params long[] shape) => randn([batch, .. shape], generator: generator).to(device);
        Tensor Uniform(int tokens) => rand([batch, tokens], generator: generator).to(device);
        IEnumerable<Tensor> Locals(int views, params long[] shape) => Enumerable.Range(0, views).Select(_ => Normal(shape));
        return new XkdInput(
            [Normal(3, d.GlobalFrames, d.GlobalSize, d.GlobalSize), .. Locals(d.LocalVideoViews, 3, d.LocalFrames, d.LocalSize, d.LocalSize)],
            [Normal(1, d.Mels, d.GlobalMelFrames), .. Locals(d.LocalAudioViews, 1, d.Mels, d.LocalMelFrames)],
            Uniform(config.VideoGeometry.Tokens), Uniform(config.AudioGeometry.Tokens));
    }

    /// <summary>The batch in so many equal parts, as views in the current scope.</summary>
    internal IReadOnlyList<XkdInput> Split(int parts)
    {
        if (parts == 1)
        {
            return [this];
        }

        var size = VideoNoise.shape[0] / parts;
        return [.. Enumerable.Range(0, parts).Select(part => new XkdInput(
            [.. Video.Select(view => view.narrow(0, part * size, size))], [.. Audio.Select(view => view.narrow(0, part * size, size))],
            VideoNoise.narrow(0, part * size, size), AudioNoise.narrow(0, part * size, size)))];
    }
}
