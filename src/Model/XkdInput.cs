using static TorchSharp.torch;

namespace Xkd.Model;

/// <summary>One batch on the model's device, every random choice included.</summary>
/// <param name="Video">The global view [B, C, T, H, W], then the local views (one or more unless distillation and alignment are off).</param>
/// <param name="Audio">The global view [B, 1, mels, frames], then the local views.</param>
/// <param name="VideoNoise">Uniform noise [B, N]: the cuboids with the smallest values stay visible.</param>
/// <param name="AudioNoise">Uniform noise [B, N]: the patches with the smallest values stay visible.</param>
public sealed record XkdInput(IReadOnlyList<Tensor> Video, IReadOnlyList<Tensor> Audio, Tensor VideoNoise, Tensor AudioNoise);
