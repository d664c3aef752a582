using System.Runtime.InteropServices;
using Xkd.Model.Ranks;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

public sealed class ReplicaCheckTests
{
    [Theory]
    [InlineData(2, 1, "rank 1 of 2 differs from rank 0 in second")]
    [InlineData(3, 0, "rank 0 of 3 differs from the other ranks in second")]
    public void Require_OneBitOfOneRankFlipped_NamesRankAndTensorOnAllRanks(int size, int faulty, string named)
    {
        var messages = InProcessRanks.Run(size, ranks =>
        {
            using var scope = TinyModel.Scope();
            var second = linspace(0, 1, 1001);
            (string, Tensor)[] state = [("first", ones(3, 5)), ("second", second), ("third", zeros([]))];
            ReplicaCheck.Require(ranks, 7, state);
            if (ranks.Rank == faulty)
            {
                MemoryMarshal.AsBytes(second.bytes)[2003] ^= 1;
            }

            return Assert.Throws<FailureException>(() => ReplicaCheck.Require(ranks, 8, state)).Message;
        });
        Assert.All(messages, message => Assert.Contains($"after step 8 {named}", message));
    }

    [Fact]
    public void Digest_ValuesChangePlaces_Differs()
    {
        using var scope = TinyModel.Scope();
        float[] values = [.. Enumerable.Range(0, 37).Select(i => (float)i)];
        var digest = ReplicaCheck.Digest(tensor(values));
        Assert.Equal(digest, ReplicaCheck.Digest(tensor(values).view(1, 37)));
        for (var i = 1; i < values.Length; i++)
        {
            float[] swapped = [.. values];
            (swapped[i - 1], swapped[i]) = (swapped[i], swapped[i - 1]);
            Assert.NotEqual(digest, ReplicaCheck.Digest(tensor(swapped)));
        }
    }
}
