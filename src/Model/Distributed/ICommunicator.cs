using static TorchSharp.torch;

namespace Xkd.Model.Distributed;

/// <summary>
/// Exchange among the ranks of a run. All ranks make the same calls in the same order; a call returns when this rank's part is done. Failures of other
/// ranks are not its business: where one is lost, a call may never return, and <see cref="RankWatch"/> ends the process.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>What carries it, with its version.</summary>
    string Name { get; }

    /// <summary>0 … <see cref="Size"/> − 1.</summary>
    int Rank { get; }

    int Size { get; }

    /// <summary>Adds up a tensor over all ranks, in place: contiguous, of one shape everywhere, float32, float64 or bfloat16.</summary>
    void Sum(Tensor values);

    /// <summary>
    /// As <see cref="Sum"/>, but returns at once where it can go on beside other work. Until it is completed the values are not touched and nothing else is
    /// exchanged.
    /// </summary>
    IPendingSum BeginSum(Tensor values)
    {
        Sum(values);
        return PendingSum.Done;
    }

    /// <summary>Overwrites a contiguous tensor with rank 0's, bit for bit.</summary>
    void Broadcast(Tensor values);

    /// <summary>Every rank's bytes, of any length each, by rank.</summary>
    IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();
}
