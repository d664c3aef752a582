using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// Domain alignment: the distance between two sets of rows [n, D] and [m, D] under a sum of gaussian kernels. Computed in double precision whatever comes
/// in: in single precision the diagonal's distances are rounding noise of 1e-7·|x|², which gamma = 1000 makes visible.
/// </summary>
internal static class MaximumMeanDiscrepancy
{
    /// <summary>1e-3 … 1e3.</summary>
    public static IReadOnlyList<double> PublishedGammas { get; } = [1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

    /// <summary>Kernel means run over the full matrices, their diagonals included (released code). Float64 scalars.</summary>
    public static MmdTerms Gaussian(Tensor x, Tensor y, KernelBandwidth bandwidth = KernelBandwidth.Fixed, IReadOnlyList<double>? gammas = null)
    {
        using var scope = NewDisposeScope();
        gammas ??= PublishedGammas;
        (x, y) = (x.to(ScalarType.Float64), y.to(ScalarType.Float64));
        var scale = bandwidth == KernelBandwidth.Median ? MedianDistance(x, y) : null;
        var kxx = Kernel(x, x, scale, gammas).mean(); // []
        var kyy = Kernel(y, y, scale, gammas).mean(); // []
        var kxy = Kernel(x, y, scale, gammas).mean(); // []
        return new MmdTerms(scope.MoveToOuter(kxx.Add(kyy) - kxy.Mul(2)), scope.MoveToOuter(kxx), scope.MoveToOuter(kyy), scope.MoveToOuter(kxy));
    }

    /// <summary>The alternative without kernels: squared differences of means and of covariances, averaged over their entries.</summary>
    public static Tensor MeanCovariance(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        (x, y) = (x.to(ScalarType.Float64), y.to(ScalarType.Float64));
        var means = (x.mean([0L]) - y.mean([0L])).Square().mean(); // []
        var covariances = (Covariance(x) - Covariance(y)).Square().mean(); // []
        return scope.MoveToOuter(means.Add(covariances));
    }

    /// <summary>Squared distances [n, m], kept above 0 as in the reference.</summary>
    internal static Tensor SquaredDistances(Tensor x, Tensor y)
    {
        const double Smallest = 1e-30;
        var xx = x.Square().sum(-1, keepdim: true); // [n, 1]
        var yy = y.Square().sum(-1, keepdim: true); // [m, 1]
        return (xx.Add(yy.transpose(0, 1)) - x.matmul(y.transpose(0, 1)).Mul(2)).ClampMin(Smallest); // [n, m]
    }

    private static Tensor Kernel(Tensor x, Tensor y, Tensor? scale, IReadOnlyList<double> gammas)
    {
        var distances = SquaredDistances(x, y); // [n, m]
        distances = scale is null ? distances : distances / scale;
        return gammas.Select(gamma => distances.Mul(-gamma).exp()).Aggregate((sum, kernel) => sum.Add(kernel)); // [n, m]
    }

    private static Tensor Covariance(Tensor x)
    {
        var centred = x - x.mean([0L], keepdim: true); // [n, D]
        return centred.transpose(0, 1).matmul(centred).Div(x.shape[0] - 1); // [D, D]
    }

    // The median over pairs of different rows, without reading anything back from the device: the diagonal is sorted to the front.
    private static Tensor MedianDistance(Tensor x, Tensor y)
    {
        using var unrecorded = no_grad();
        var rows = cat([x.detach(), y.detach()], 0); // [n + m, D]
        var count = rows.shape[0];
        var distances = SquaredDistances(rows, rows) - eye(count, dtype: ScalarType.Float64, device: rows.device).Mul(2); // [n + m, n + m]
        var (ordered, _) = distances.flatten().sort();
        return ordered[count + (((count * (count - 1)) - 1) / 2)];
    }
}

/// <summary>A maximum mean discrepancy and the kernel means it is made of, scalars: loss = kxx + kyy − 2 kxy.</summary>
internal sealed record MmdTerms(Tensor Loss, Tensor Kxx, Tensor Kyy, Tensor Kxy);
