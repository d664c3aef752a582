using System.IO.Hashing;
using System.Runtime.InteropServices;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// Compares what all ranks must have alike, bit for bit. They start from one state and apply the same gradients, so a difference is a defect: of a device's
/// memory, of a library that reduces differently by rank, or of this program; and training on would average models that drift apart.
/// </summary>
internal static class ReplicaCheck
{
    /// <summary>Compares the named tensors of all ranks.</summary>
    /// <exception cref="FailureException">Names step, rank and the first tensor that differs; thrown on all ranks.</exception>
    public static void Require(RankGroup ranks, long step, IReadOnlyList<(string Name, Tensor Value)> state)
    {
        ulong[] own = [.. state.Select(entry => Digest(entry.Value))];
        ulong[][] all = [.. ranks.Gather(MemoryMarshal.AsBytes(own.AsSpan()).ToArray()).Select(bytes => MemoryMarshal.Cast<byte, ulong>(bytes).ToArray())];
        if (FirstDifference(all) is var (rank, entry))
        {
            var others = ranks.Size > 2 ? "the other ranks" : "rank 0";
            throw new FailureException($"after step {step} rank {rank} of {ranks.Size} differs from {others} in {state[entry].Name}: "
                + "earlier checkpoints are kept; test that rank's memory, and resume");
        }
    }

    /// <summary>The rank that is not as most are (of two, not as rank 0), and the first digest in which; null where all agree.</summary>
    internal static (int Rank, int Entry)? FirstDifference(ulong[][] digests)
    {
        for (var entry = 0; entry < digests[0].Length; entry++)
        {
            ulong[] values = [.. digests.Select(d => d[entry])];
            var usual = values.GroupBy(v => v).OrderByDescending(g => g.Count()).First().Key; // stable: of equally many, rank 0's
            if (Array.FindIndex(values, v => v != usual) is >= 0 and int rank)
            {
                return (rank, entry);
            }
        }

        return null;
    }

    /// <summary>64 bits of a tensor's values and their places.</summary>
    internal static ulong Digest(Tensor tensor)
    {
        const long AtOnce = 1 << 24;
        using var scope = NewDisposeScope();
        var flat = tensor.detach().view(-1);
        var digest = new XxHash3();
        for (long start = 0; start < flat.numel(); start += AtOnce)
        {
            using var chunk = flat.narrow(0, start, Math.Min(AtOnce, flat.numel() - start)).cpu();
            digest.Append(chunk.bytes);
        }

        return digest.GetCurrentHashAsUInt64();
    }
}
