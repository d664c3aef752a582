using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>What is done to features before a linear classifier sees them.</summary>
public enum FeatureScaling
{
    /// <summary>As the network gives them: what the released video and audio scripts do, whatever their comments say.</summary>
    None,

    /// <summary>Each vector to unit length: what the released audio-visual script does.</summary>
    UnitLength,

    /// <summary>Each feature to mean 0 and deviation 1 over the training windows.</summary>
    Standardise,
}

/// <summary>Frozen features of a set of clips, in memory: <see cref="Windows"/> rows per clip, clip-major.</summary>
public sealed record FeatureSet
{
    /// <summary>Clip ids, in the order of the rows.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>Class of each clip, 0 … classes − 1; −1 where the clip has none.</summary>
    public required int[] Labels { get; init; }

    /// <summary>All classes of each clip, where a clip may have several; null where it has one.</summary>
    public IReadOnlyList<int[]>? LabelSets { get; init; }

    /// <summary>Names of the classes, indexed by label.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    public required int Windows { get; init; }

    /// <summary>Numbers per feature vector.</summary>
    public required int Dim { get; init; }

    /// <summary>Row-major [clips · windows, dim].</summary>
    public required float[] Vectors { get; init; }

    public int Clips => Ids.Count;

    /// <summary>Rows of one clip, row-major [windows, dim].</summary>
    public ReadOnlySpan<float> Clip(int clip) => Vectors.AsSpan(clip * Windows * Dim, Windows * Dim);

    /// <summary>The clips at <paramref name="clips"/>, in that order.</summary>
    public FeatureSet Select(IReadOnlyList<int> clips)
    {
        var vectors = new float[clips.Count * Windows * Dim];
        for (var i = 0; i < clips.Count; i++)
        {
            Clip(clips[i]).CopyTo(vectors.AsSpan(i * Windows * Dim));
        }

        return this with
        {
            Ids = [.. clips.Select(c => Ids[c])],
            Labels = [.. clips.Select(c => Labels[c])],
            LabelSets = LabelSets is null ? null : [.. clips.Select(c => LabelSets[c])],
            Vectors = vectors,
        };
    }

    /// <summary>Throws where shapes, labels or values cannot be: what every user of a feature set may then rely on.</summary>
    /// <exception cref="UsageException">Names what is wrong.</exception>
    public void Validate()
    {
        if (Windows < 1 || Dim < 1 || Labels.Length != Clips || Vectors.Length != (long)Clips * Windows * Dim)
        {
            throw new UsageException(
                $"features: {Vectors.Length} values and {Labels.Length} labels for {Clips} clips of {Windows} windows and {Dim} features.");
        }

        for (var clip = 0; clip < Clips; clip++)
        {
            if (Labels[clip] < -1 || Labels[clip] >= ClassNames.Count)
            {
                throw new UsageException($"features: clip {Ids[clip]} has label {Labels[clip]}, but there are {ClassNames.Count} classes.");
            }

            if (Clip(clip).ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            {
                throw new UsageException($"features: clip {Ids[clip]} has a feature that is not finite; check the weights they were taken with.");
            }
        }
    }

    /// <summary>A copy of the vectors, each of unit length.</summary>
    internal float[] UnitVectors()
    {
        float[] vectors = [.. Vectors];
        VectorMath.NormaliseRows(vectors, Dim);
        return vectors;
    }
}
