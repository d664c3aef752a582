using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Which rows are of which class, one class a row or any number of them, and which rows are fitted on.</summary>
internal sealed class SvmTargets
{
    private readonly int[]? _labels;
    private readonly IReadOnlyList<int[]> _sets;
    private readonly int _windows;

    private SvmTargets(int rows, int classes, int[]? labels, IReadOnlyList<int[]> sets, int windows) => (Rows, Classes, _labels, _sets, _windows) = (rows, classes, labels, sets, windows);

    public int Rows { get; }

    public int Classes { get; }

    /// <summary>Rows fitted on; null: all.</summary>
    public bool[]? Used { get; private init; }

    /// <summary>Number of rows fitted on.</summary>
    public int UsedRows => Used?.Count(u => u) ?? Rows;

    /// <summary>One class a row.</summary>
    /// <exception cref="UsageException">A label outside 0 … classes − 1.</exception>
    public static SvmTargets Single(int[] labels, int classes)
    {
        int wrong = Array.FindIndex(labels, label => (uint)label >= (uint)classes);
        return wrong < 0
            ? new SvmTargets(labels.Length, classes, labels, [], 1)
            : throw new UsageException($"svm: label {labels[wrong]} is outside 0 … {classes - 1}.");
    }

    /// <summary>Any number of classes a clip, every row of a clip the clip's.</summary>
    /// <param name="labels">Classes of each clip.</param>
    /// <param name="windows">Rows per clip.</param>
    /// <param name="classes">Number of classes.</param>
    public static SvmTargets Multi(IReadOnlyList<int[]> labels, int windows, int classes) => new(labels.Count * windows, classes, null, labels, windows);

    /// <summary>Rows of a feature set.</summary>
    public static SvmTargets Of(FeatureSet set) => set.LabelSets is { } sets ? Multi(sets, set.Windows, set.ClassNames.Count) : Single(set.RowLabels(), set.ClassNames.Count);

    /// <summary>These targets, of which only some rows are fitted on.</summary>
    public SvmTargets On(bool[] used) => new(Rows, Classes, _labels, _sets, _windows) { Used = used };

    /// <summary>+1 for a row of the class, −1 for another, 0 for one that is not fitted on.</summary>
    public int Sign(int row, int positive) =>
        Used is not null && !Used[row] ? 0 : (_labels is null ? Array.IndexOf(_sets[row / _windows], positive) >= 0 : _labels[row] == positive) ? 1 : -1;
}
