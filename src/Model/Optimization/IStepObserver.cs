using Xkd.Model.Objectives;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>Watches a step from within: what the numbers between its phases are checked through.</summary>
internal interface IStepObserver
{
    /// <summary>A micro-batch went through the model; its terms live until backward is done.</summary>
    void Forwarded(XkdTerms terms);

    /// <summary>Gradients are complete and not clipped yet.</summary>
    void Differentiated();

    /// <summary>A range was clipped; <paramref name="norms"/> [P] are those the clipping saw.</summary>
    void Visited(IReadOnlyList<FlatSlot> slots, Tensor norms);

    /// <summary>All clipping is done.</summary>
    void Clipped();
}
