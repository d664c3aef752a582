using Xkd.Model.Method;
using Xkd.Model.Ranks;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

/// <summary>One rank that does something else where others would add up the flat gradients: between backward and clipping.</summary>
internal sealed class GradientHook(Action<Tensor> hook) : ICommunicator
{
    public string Name => "hook";

    public int Rank => 0;

    public int Size => 1;

    /// <summary>An exchange that calls the hook.</summary>
    public static IStepExchange Exchange(Action<Tensor> hook) => new StepExchange(new RankGroup(new GradientHook(hook), watch: null), Precision.Float32, gatherRows: false);

    public void Sum(Tensor values)
    {
        if (values.dim() == 1) // the centres are not
        {
            hook(values);
        }
    }

    public void Broadcast(Tensor values)
    {
    }

    public IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes) => [bytes.ToArray()];

    public void Barrier()
    {
    }

    public void Dispose()
    {
    }
}
