using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

/// <summary>What is asked of NCCL, over a stand-in of its C interface that works on host memory. Not a test of NCCL itself.</summary>
[Collection(nameof(AloneCollection))]
public sealed class NcclCommunicatorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void SumAndBroadcast_SeveralRanks_ReachAllOfThem(int size)
    {
        using StandInNccl standIn = new(size);
        var results = InProcessRanks.Communicate(size, host =>
        {
            using var scope = NewDisposeScope();
            using var nccl = NcclCommunicator.Open(host, StandInNccl.Library, device: 10 + host.Rank);
            Assert.Equal("NCCL 2.21.5", nccl.Name);
            Tensor sum = ones(1000).Mul(1 + host.Rank), exact = ones(3, ScalarType.Float64).Mul(0.5 + host.Rank), rounded = ones(5, ScalarType.BFloat16).Mul(2 * (1 + host.Rank));
            nccl.Sum(sum);
            nccl.Sum(exact);
            nccl.Sum(rounded);
            var first = tensor(new[] { 40L + host.Rank, 41 });
            nccl.Broadcast(first);
            nccl.Barrier();
            return new[] { sum[999].item<float>(), (float)exact[2].item<double>(), rounded[4].to(ScalarType.Float32).item<float>(), first[0].item<long>() };
        });
        var total = size * (size + 1) / 2f;
        Assert.All(results, result => Assert.Equal([total, total - (size / 2f), 2 * total, 40], result));
        Assert.Equal(Enumerable.Range(10, size), standIn.Devices.Order()); // each on its own, on whichever thread
        Assert.Equal(0, standIn.Open);
    }

    [Fact]
    public void Open_NcclRefuses_SaysItsReason()
    {
        using StandInNccl standIn = new(1) { RefuseWith = 5 };
        var error = Assert.Throws<FailureException>(() => NcclCommunicator.Open(new SingleCommunicator(), StandInNccl.Library, device: 0));
        Assert.Contains("ncclCommInitRank failed with code 5 (invalid usage)", error.Message);
    }

    [Fact]
    public void Sum_OtherTypes_AreRefused()
    {
        using StandInNccl standIn = new(1);
        using var nccl = NcclCommunicator.Open(new SingleCommunicator(), StandInNccl.Library, device: 0);
        using var halves = zeros([3], ScalarType.Float16);
        Assert.Contains("Float16", Assert.Throws<ArgumentException>(() => nccl.Sum(halves)).Message);
    }
}
