using Xkd.Model.Native;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

/// <summary>Which tokens of each sample stay visible, decided by given noise: the smallest stay, in ascending order of their noise.</summary>
/// <param name="Keep">Indices of the visible tokens [B, K], int64, not in spatial order.</param>
/// <param name="Restore">Where each token went in the shuffled order [B, N], int64.</param>
/// <param name="Mask">1 where a token is hidden, 0 where visible [B, N], float32.</param>
public sealed record RandomMasking(Tensor Keep, Tensor Restore, Tensor Mask)
{
    /// <summary>Visible tokens of <paramref name="tokens"/>, rounded half to even as the reference does.</summary>
    public static int VisibleTokens(long tokens, double ratio) => (int)Math.Round(tokens * (1 - ratio), MidpointRounding.ToEven);

    /// <summary>Hides a share of the tokens. <paramref name="noise"/> is [B, N].</summary>
    public static RandomMasking Draw(Tensor noise, double ratio)
    {
        using var scope = NewDisposeScope();
        var (batch, tokens) = (noise.shape[0], noise.shape[1]);
        var visible = VisibleTokens(tokens, ratio);
        if (visible == 0 || visible == tokens)
        {
            throw new UsageException($"a mask ratio of {ratio} leaves {visible} of {tokens} tokens visible; both visible and hidden ones are needed");
        }

        using var unrecorded = no_grad();
        var shuffle = argsort(noise, dim: 1); // [B, N]
        var restore = argsort(shuffle, dim: 1); // [B, N]
        var mask = restore.AtLeast(visible).to(ScalarType.Float32); // [B, N]
        return new RandomMasking(
            scope.MoveToOuter(shuffle.narrow(1, 0, visible)), // [B, K]
            scope.MoveToOuter(restore), scope.MoveToOuter(mask));
    }
}
