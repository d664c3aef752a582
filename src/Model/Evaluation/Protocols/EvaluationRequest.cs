using Xkd.Model.Configuration;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>One row of a results table: a protocol on a data set with some weights.</summary>
public sealed record EvaluationRequest
{
    /// <summary><c>svm</c>, <c>linear</c> or <c>finetune</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>An <see cref="SvmConfig"/> for <c>svm</c>, else a <see cref="ClassifierConfig"/>.</summary>
    public required EvaluationConfig Config { get; init; }

    /// <summary>A run, or weight files: one of them per modality wanted.</summary>
    public required IReadOnlyList<string> Weights { get; init; }

    public required Cache Train { get; init; }

    /// <summary>The cache tested on; may be the training cache where that holds folds or splits.</summary>
    public required Cache Test { get; init; }

    /// <summary>The fold; null takes the first where the caches have folds.</summary>
    public int? Fold { get; init; }

    /// <summary>Every fold, and their mean.</summary>
    public bool AllFolds { get; init; }

    public WeightBranch Branch { get; init; } = WeightBranch.Teacher;

    public required Device Device { get; init; }
}
