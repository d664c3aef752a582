using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// Exchange among the ranks of a run. All ranks make the same calls in the same order; a call returns when this rank's part is done. A communicator does not
/// watch the other ranks: where one is lost, a call may never return, and <see cref="RankWatch"/> ends the process.
/// </summary>
internal interface ICommunicator : IDisposable
{
    /// <summary>The library that carries the exchange, with its version.</summary>
    string Name { get; }

    /// <summary>0 … <see cref="Size"/> − 1.</summary>
    int Rank { get; }

    int Size { get; }

    /// <summary>Adds up a tensor over all ranks, in place: contiguous, of one shape everywhere, float32, float64 or bfloat16.</summary>
    void Sum(Tensor values);

    /// <summary>Overwrites a contiguous tensor with rank 0's, bit for bit.</summary>
    void Broadcast(Tensor values);

    /// <summary>Every rank's bytes, of any length each, by rank.</summary>
    IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();
}

/// <summary>One process by itself.</summary>
internal sealed class SingleCommunicator : ICommunicator
{
    public string Name => "one process";

    public int Rank => 0;

    public int Size => 1;

    public void Sum(Tensor values)
    {
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

/// <summary>An exchange among ranks failed: some MPI libraries return where another rank is lost, others wait for ever.</summary>
internal sealed class ExchangeException(string message) : FailureException(message)
{
    public static ArgumentException NoSum(Tensor values) =>
        new($"{values.dtype}: only float32, float64 and bfloat16 are added up over ranks", nameof(values));
}
