using TorchSharp;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

#pragma warning disable RS0030 // the one place where scalars are made, and held

/// <summary>
/// Arithmetic with numbers, and sums of tensors. TorchSharp's operators make a <see cref="Scalar"/> on the way and hand its native half to libtorch
/// without holding it: a collection begun by another thread finalizes it while native code still reads it, and the number is garbage.
/// Here each lives until the call has returned.
/// </summary>
internal static class ScalarMath
{
    // The factor of the second term of a sum: TorchSharp makes one at each call that names none, of two tensors as well. Never disposed of.
    private static readonly Scalar One = 1;
    private static readonly Scalar Two = 2;

    extension(Tensor tensor)
    {
        /// <summary>tensor + other.</summary>
        public Tensor Add(Tensor other) => tensor.add(other, One);

        /// <summary>Adds the other tensor in place.</summary>
        public Tensor AddInPlace(Tensor other) => tensor.add_(other, One);

        /// <summary>tensor + number.</summary>
        public Tensor Add(double number)
        {
            using Scalar scalar = number;
            return tensor.add(scalar, One);
        }

        /// <summary>tensor · number.</summary>
        public Tensor Mul(double number)
        {
            using Scalar scalar = number;
            return tensor.mul(scalar);
        }

        /// <summary>tensor².</summary>
        public Tensor Square() => tensor.pow(Two);

        /// <summary>tensor / number.</summary>
        public Tensor Div(double number)
        {
            using Scalar scalar = number;
            return tensor.div(scalar);
        }

        /// <summary>number - tensor.</summary>
        public Tensor RSub(double number)
        {
            using var negative = tensor.negative();
            return negative.Add(number);
        }

        /// <summary>number / tensor.</summary>
        public Tensor RDiv(double number)
        {
            using var inverse = tensor.reciprocal();
            return inverse.Mul(number);
        }

        /// <summary>1 where the tensor is at least the number, as booleans.</summary>
        public Tensor Ge(long number)
        {
            using Scalar scalar = number;
            return tensor.ge(scalar);
        }

        /// <summary>Values below the number become it.</summary>
        public Tensor ClampMin(double number)
        {
            using Scalar scalar = number;
            return tensor.clamp_min(scalar);
        }

        /// <summary>Values above the number become it.</summary>
        public Tensor ClampMax(double number)
        {
            using Scalar scalar = number;
            return tensor.clamp_max(scalar);
        }

        /// <summary>Adds the number in place.</summary>
        public Tensor AddInPlace(double number)
        {
            using Scalar scalar = number;
            return tensor.add_(scalar, One);
        }

        /// <summary>Sets every value, in place.</summary>
        public Tensor Fill(double number)
        {
            using Scalar scalar = number;
            return tensor.fill_(scalar);
        }

        /// <summary>tensor · kept + other · (1 - kept), in place: a running mean.</summary>
        public Tensor Follow(Tensor other, double kept)
        {
            using Scalar keep = kept, take = 1 - kept;
            return tensor.mul_(keep).add_(other, alpha: take);
        }
    }

    /// <summary>0 … count - 1, int64 [count].</summary>
    public static Tensor Indices(long count, Device device)
    {
        using Scalar start = 0, stop = count;
        return arange(start, stop, One, dtype: ScalarType.Int64, device: device);
    }
}

/// <summary>Numbers for a native call that takes several, alive until they are disposed of.</summary>
internal sealed class HeldScalars(params double[] numbers) : IDisposable
{
    public Scalar[] Values { get; } = [.. numbers.Select(number => (Scalar)number)];

    public void Dispose() => Array.ForEach(Values, value => value.Dispose());
}
