using Xkd.Model.Method;

namespace Xkd.Conformance.Topics;

/// <summary>Which tokens stay visible for given noise.</summary>
internal sealed class RandomMaskingTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["random_masking"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        var index = 0;
        foreach (var pair in golden.Config.GetProperty("pairs").EnumerateArray())
        {
            var tokens = golden.Tensor($"in/{index}/x");
            check.SameSequence($"shape of {index}", tokens.shape, [golden.Config.GetProperty("batch").GetInt64(), pair[0].GetInt64(), golden.Config.GetProperty("dim").GetInt64()]);
            var masking = RandomMasking.Draw(golden.Tensor($"in/{index}/noise"), pair[1].GetDouble());
            check.Close($"out/{index}/kept", tokens.gather(1, masking.Keep.unsqueeze(-1).expand(-1, -1, tokens.shape[2])));
            check.Close($"out/{index}/mask", masking.Mask);
            check.Same($"out/{index}/ids_restore", masking.Restore);
            check.Scalar($"{index}/len_keep", RandomMasking.VisibleTokens(pair[0].GetInt64(), pair[1].GetDouble()));
            index++;
        }
    }
}
