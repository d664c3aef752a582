namespace Xkd.Model.Evaluation;

/// <summary>Splits clips into a part to fit on and a part held out, class by class, so that every class with two clips or more is on both sides.</summary>
public static class StratifiedSplit
{
    /// <param name="labels">Class of each clip.</param>
    /// <param name="fraction">Share of each class held out, 0 … 1; rounded, but at least one clip stays on each side.</param>
    /// <param name="seed">Which clips.</param>
    /// <param name="sources">What each clip was cut from: clips of one source stay on one side, and the share is of sources. Null: each from its own.</param>
    /// <returns>Clip indices of both parts, ascending.</returns>
    public static (int[] Fit, int[] HeldOut) Of(IReadOnlyList<int> labels, double fraction, ulong seed, IReadOnlyList<ulong>? sources = null)
    {
        SplitMix64 random = new(seed);
        List<int> fit = [], heldOut = [];
        foreach (IGrouping<int, int> group in Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]).OrderBy(g => g.Key))
        {
            int[][] together = [.. group.GroupBy(clip => sources is null ? (ulong)clip : sources[clip]).Select(source => source.ToArray())];
            random.Shuffle<int[]>(together);
            int held = together.Length < 2 ? 0 : Math.Clamp((int)Math.Round(together.Length * fraction), 1, together.Length - 1);
            heldOut.AddRange(together[..held].SelectMany(clips => clips));
            fit.AddRange(together[held..].SelectMany(clips => clips));
        }

        fit.Sort();
        heldOut.Sort();
        return ([.. fit], [.. heldOut]);
    }
}
