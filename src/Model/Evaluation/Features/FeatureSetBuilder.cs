using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Collects feature rows as a network yields them. Clips may come in any order; the windows of one clip come in theirs. Not thread-safe.</summary>
public sealed class FeatureSetBuilder
{
    private readonly IReadOnlyList<string> _ids;
    private readonly int[] _labels;
    private readonly IReadOnlyList<string> _classNames;
    private readonly int _windows;
    private readonly int[] _seen;
    private float[]? _vectors;
    private int _dim;

    /// <param name="ids">Clip ids; a clip's index into this list is what <see cref="Add"/> takes.</param>
    /// <param name="labels">Class of each clip, −1 for none.</param>
    /// <param name="classNames">Names by label.</param>
    /// <param name="windows">Windows every clip will have.</param>
    public FeatureSetBuilder(IReadOnlyList<string> ids, int[] labels, IReadOnlyList<string> classNames, int windows)
    {
        _ids = ids;
        _labels = labels;
        _classNames = classNames;
        _windows = windows;
        _seen = new int[ids.Count];
    }

    /// <summary>The next window of a clip. The first row sets the number of features.</summary>
    /// <exception cref="UsageException">An unknown clip, a window too many, or a row of another length.</exception>
    public void Add(int clip, ReadOnlySpan<float> vector)
    {
        if ((uint)clip >= (uint)_ids.Count)
        {
            throw new UsageException($"features: clip index {clip} is outside 0 … {_ids.Count - 1}.");
        }

        if (_vectors is null)
        {
            _dim = vector.Length;
            _vectors = new float[(long)_ids.Count * _windows * _dim];
        }

        if (vector.Length != _dim || _seen[clip] == _windows)
        {
            throw new UsageException($"features: clip {_ids[clip]} yields window {_seen[clip] + 1} of {_windows} with {vector.Length} features, expected {_dim}.");
        }

        vector.CopyTo(_vectors.AsSpan(((clip * _windows) + _seen[clip]) * _dim));
        _seen[clip]++;
    }

    /// <exception cref="UsageException">A clip is missing windows, or a feature is not finite.</exception>
    public FeatureSet Build()
    {
        int missing = Array.FindIndex(_seen, n => n != _windows);
        if (missing >= 0)
        {
            throw new UsageException($"features: clip {_ids[missing]} has {_seen[missing]} of {_windows} windows.");
        }

        FeatureSet set = new() { Ids = _ids, Labels = _labels, ClassNames = _classNames, Windows = _windows, Dim = _dim, Vectors = _vectors ?? [] };
        set.Validate();
        return set;
    }
}
