using static TorchSharp.torch;

namespace Xkd.Model.Distributed;

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
