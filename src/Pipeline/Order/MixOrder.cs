using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A member of a mix: its name in errors, its clips (or videos), and how often they are drawn beside those of the others.</summary>
internal readonly record struct MixShare(string Name, long Count, double Weight);

/// <summary>
/// Clips of several members, drawn by weight, each at most once an epoch. An epoch has a fixed number of slots for each member, in the proportion of the
/// weights, and as many in all as the scarcest member allows. A keyed permutation deals the slots to positions. Another one for each member deals its clips to
/// its slots, so that every epoch leaves out other clips of the members that have more than they need.
/// </summary>
internal sealed class MixOrder : IClipOrder
{
    private const double Rounding = 1e-12; // relative: three operations on doubles err by less, and a clip in 10^12 is none

    private readonly ulong _seed;
    private readonly KeyedPermutation _slots;
    private readonly KeyedPermutation[] _clips;
    private readonly long[] _ends; // where each member's slots end
    private readonly long[] _firsts; // each member's first clip

    /// <exception cref="UsageException">A member has no slot.</exception>
    public MixOrder(IReadOnlyList<MixShare> members, ulong seed)
    {
        var slots = Slots(members);
        (_seed, _ends, _firsts) = (seed, new long[slots.Length], new long[slots.Length]);
        for (var i = 0; i < slots.Length; i++)
        {
            _ends[i] = slots[i] + (i > 0 ? _ends[i - 1] : 0);
            _firsts[i] = i > 0 ? _firsts[i - 1] + members[i - 1].Count : 0;
        }

        (_slots, _clips) = (new KeyedPermutation(Count), [.. members.Select(m => new KeyedPermutation(m.Count))]);
    }

    public long Count => _ends[^1];

    public long ClipAt(int epoch, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        var key = SampleRandom.Mix(SampleRandom.Mix(_seed ^ 0xA54FF53A5F1D36F1) + (uint)epoch);
        var slot = _slots.At(key, position);
        var found = Array.BinarySearch(_ends, slot + 1);
        var member = found < 0 ? ~found : found;
        return _firsts[member] + _clips[member].At(SampleRandom.Mix(key + (ulong)member + 1), slot - (member > 0 ? _ends[member - 1] : 0));
    }

    /// <summary>
    /// Slots of each member in an epoch: of N = min ⌊count / probability⌋ in all each has its share, rounded by the largest remainders, at most its clips.
    /// </summary>
    /// <exception cref="UsageException">A member has none.</exception>
    internal static long[] Slots(IReadOnlyList<MixShare> members)
    {
        var heaviest = members.Max(m => m.Weight);
        double[] weights = [.. members.Select(m => m.Weight / heaviest)]; // their sum is finite
        var sum = weights.Sum();
        var all = (long)members.Zip(weights, (m, weight) => Math.Floor(m.Count * sum / weight * (1 + Rounding))).Min();
        double[] shares = [.. weights.Select(weight => all * weight / sum)];
        long[] slots = [.. shares.Zip(members, (share, m) => Math.Min((long)share, m.Count))];
        var left = all - slots.Sum();
        var open = Enumerable.Range(0, slots.Length).Where(i => slots[i] < members[i].Count).OrderByDescending(i => shares[i] - slots[i]).ToArray();
        foreach (var i in open.Take((int)left))
        {
            slots[i]++;
        }

        if (Array.IndexOf(slots, 0) is >= 0 and int none)
        {
            var others = members.Where((_, i) => i != none).Sum(m => m.Weight);
            throw new UsageException(
                $"{members[none].Name}: a weight of {members[none].Weight} beside {others:g6} of the others leaves it no clip of the {all} of an epoch: "
                + "raise its weight, or leave it out of the mix");
        }

        return slots;
    }
}
