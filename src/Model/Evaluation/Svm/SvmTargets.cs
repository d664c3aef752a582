using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Which rows are of which class: one class a row, or any number of them.</summary>
internal sealed class SvmTargets
{
    private readonly Func<int, int, bool> _isOf;

    private SvmTargets(int rows, int classes, Func<int, int, bool> isOf) => (Rows, Classes, _isOf) = (rows, classes, isOf);

    public int Rows { get; }

    public int Classes { get; }

    /// <summary>One class a row.</summary>
    /// <exception cref="UsageException">A label outside 0 … classes − 1.</exception>
    public static SvmTargets Single(int[] labels, int classes)
    {
        int wrong = Array.FindIndex(labels, label => (uint)label >= (uint)classes);
        return wrong < 0
            ? new SvmTargets(labels.Length, classes, (row, c) => labels[row] == c)
            : throw new UsageException($"svm: label {labels[wrong]} is outside 0 … {classes - 1}.");
    }

    /// <summary>Any number of classes a clip, every row of a clip the clip's.</summary>
    /// <param name="labels">Classes of each clip.</param>
    /// <param name="windows">Rows per clip.</param>
    /// <param name="classes">Number of classes.</param>
    public static SvmTargets Multi(IReadOnlyList<int[]> labels, int windows, int classes) =>
        new(labels.Count * windows, classes, (row, c) => Array.IndexOf(labels[row / windows], c) >= 0);

    /// <summary>Rows of a feature set.</summary>
    public static SvmTargets Of(FeatureSet set) => set.LabelSets is { } sets ? Multi(sets, set.Windows, set.ClassNames.Count) : Single(set.RowLabels(), set.ClassNames.Count);

    /// <summary>+1 for the rows of a class, −1 for the others.</summary>
    public sbyte[] Signs(int positive)
    {
        sbyte[] signs = new sbyte[Rows];
        for (int row = 0; row < signs.Length; row++)
        {
            signs[row] = (sbyte)(_isOf(row, positive) ? 1 : -1);
        }

        return signs;
    }
}
