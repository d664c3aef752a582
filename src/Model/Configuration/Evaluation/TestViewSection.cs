using Xkd.Model.Evaluation;
using Xkd.Pipeline;

namespace Xkd.Model.Configuration;

/// <summary>Dense testing.</summary>
public sealed record TestViewSection
{
    /// <summary>Windows per clip, evenly spaced from its beginning to its end; one is centred. Default 1.</summary>
    [Within(1, 10_000)]
    public int Windows { get; init; } = 1;

    /// <summary>Spatial views of each window: the centre, three along the long side, or the released three identical ones. Default centre.</summary>
    public TestCrops Crops { get; init; } = TestCrops.Centre;

    /// <summary>How the scores of a clip's views become one. Default mean.</summary>
    public ClipEnsemble Ensemble { get; init; } = ClipEnsemble.Mean;
}
