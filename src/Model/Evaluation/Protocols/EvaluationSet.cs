using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The clips of a cache that one side of an evaluation uses, with their classes as indices.</summary>
internal sealed record EvaluationSet
{
    public required Cache Cache { get; init; }

    /// <summary>Indices into the cache's clips, ascending.</summary>
    public required IReadOnlyList<int> Clips { get; init; }

    /// <summary>Names by class index; the same on both sides.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Classes of each clip, of single-label sets one.</summary>
    public required IReadOnlyList<int[]> LabelSets { get; init; }

    /// <summary>A clip may have several classes.</summary>
    public required bool Multi { get; init; }

    public IReadOnlyList<string> Ids => [.. Clips.Select(c => Cache.Clips[c].Id)];

    /// <summary>The class of each clip; −1 in multi-label sets.</summary>
    public int[] Labels => [.. LabelSets.Select(l => Multi ? -1 : l[0])];

    /// <summary>The clips' identity as a feature set without vectors: what scores are judged by.</summary>
    public FeatureSet Judged => new()
    {
        Ids = Ids, Labels = Labels, LabelSets = Multi ? LabelSets : null, ClassNames = Classes, Windows = 1, Dim = 1, Vectors = [],
    };

    /// <summary>The clips at those positions.</summary>
    public EvaluationSet Select(IReadOnlyList<int> positions) =>
        this with { Clips = [.. positions.Select(p => Clips[p])], LabelSets = [.. positions.Select(p => LabelSets[p])] };
}
