using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

#pragma warning disable RS0030 // the one place where TorchSharp is asked, and where parameters are made

/// <summary>
/// How many tensors of the process are alive. TorchSharp counts a tensor twice when a parameter is made of it, and subtracts one when the parameter is gone:
/// its count grows with every model. So parameters are made here only, and the count is corrected.
/// </summary>
internal static class LiveTensors
{
    private static long takenOver;

    /// <summary>Tensors that are neither disposed of nor finalized.</summary>
    public static long Count => Tensor.TotalCount - Interlocked.Read(ref takenOver);

    /// <summary>A parameter that takes <paramref name="values"/> over.</summary>
    public static Parameter Parameter(Tensor values, bool requiresGrad = true)
    {
        Interlocked.Increment(ref takenOver);
        return new Parameter(values, requiresGrad);
    }
}
