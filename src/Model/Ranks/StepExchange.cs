using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// What one optimizer step exchanges with the other ranks: gradients and centres, and on request the rows that alignment sees. Each rank divides its loss by
/// the number of ranks, so that gradients are averaged by adding them up, without a further pass over them.
/// </summary>
public sealed class StepExchange : IStepExchange
{
    // Values cast at once: small enough to stay in a processor's cache, large enough for a device.
    private const long CastAtOnce = 1 << 22;

    private readonly RankGroup _ranks;
    private readonly Precision _wire;
    private readonly bool _gatherRows;

    internal StepExchange(RankGroup ranks, Precision wire, bool gatherRows) => (_ranks, _wire, _gatherRows) = (ranks, wire, gatherRows);

    public int Ranks => _ranks.Size;

    /// <summary>The exchange that a configuration asks for; null for a process by itself.</summary>
    public static StepExchange? Of(RankGroup ranks, PretrainConfig config) => ranks.Size == 1 ? null : new StepExchange(ranks, config.Train.Wire, config.Objective.AlignAllRanks);

    /// <summary>Adds up the flat gradients [total] over the ranks; in bfloat16 they travel in half the bytes and come back rounded.</summary>
    public void SumGradients(Tensor gradients)
    {
        if (_wire != Precision.Bfloat16)
        {
            _ranks.Sum(gradients);
            return;
        }

        using var unrecorded = no_grad();
        for (long start = 0; start < gradients.numel(); start += CastAtOnce)
        {
            using var chunk = gradients.narrow(0, start, Math.Min(CastAtOnce, gradients.numel() - start));
            using var rounded = chunk.to(ScalarType.BFloat16);
            _ranks.Sum(rounded);
            chunk.copy_(rounded).Dispose();
        }
    }

    /// <summary>The mean over ranks, in place.</summary>
    public void Average(Tensor values)
    {
        _ranks.Sum(values);
        using var mean = values.Div(_ranks.Size);
        values.copy_(mean);
    }

    /// <summary>
    /// All ranks' rows [ranks · n, D] of which this one's [n, D] carry gradients, or only the own ones, as the released code has it. Every rank computes the
    /// same loss of all rows but differentiates it by its own alone; of what gradients are averaged, each is therefore taken as often as there are _ranks.
    /// </summary>
    public Tensor Rows(Tensor own)
    {
        if (!_gatherRows)
        {
            return own;
        }

        using var scope = NewDisposeScope();
        (var n, var before, var after) = (own.shape[0], _ranks.Rank * own.shape[0], (_ranks.Size - 1 - _ranks.Rank) * own.shape[0]);
        var values = own.detach();
        var all = zeros(_ranks.Size * n, own.shape[1], own.dtype, own.device); // [R·n, D]
        all.narrow(0, before, n).copy_(values);
        _ranks.Sum(all); // adding zeros changes nothing
        var counted = own.requires_grad ? values.Add((own - values).Mul(_ranks.Size)) : values; // the same values: own - own is 0
        return scope.MoveToOuter(cat([all.narrow(0, 0, before), counted, all.narrow(0, before + n, after)], 0));
    }
}
