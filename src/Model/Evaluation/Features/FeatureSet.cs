using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Frozen features of a set of clips: <see cref="Windows"/> rows per clip, clip-major.</summary>
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

    /// <summary>Windows per clip.</summary>
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
        float[] vectors = new float[clips.Count * Windows * Dim];
        for (int i = 0; i < clips.Count; i++)
        {
            Clip(clips[i]).CopyTo(vectors.AsSpan(i * Windows * Dim));
        }

        return this with
        {
            Ids = [.. clips.Select(c => Ids[c])], Labels = [.. clips.Select(c => Labels[c])], LabelSets = LabelSets is null ? null : [.. clips.Select(c => LabelSets[c])], Vectors = vectors,
        };
    }

    /// <summary>One row per clip: the mean of its windows.</summary>
    public FeatureSet Pooled()
    {
        float[] vectors = new float[Clips * Dim];
        for (int i = 0; i < Vectors.Length; i++)
        {
            vectors[(i / (Windows * Dim) * Dim) + (i % Dim)] += Vectors[i] / Windows;
        }

        return this with { Windows = 1, Vectors = vectors };
    }

    /// <summary>Label of every row: each clip's, once per window.</summary>
    public int[] RowLabels()
    {
        int[] labels = new int[Clips * Windows];
        for (int row = 0; row < labels.Length; row++)
        {
            labels[row] = Labels[row / Windows];
        }

        return labels;
    }

    /// <summary>This set with another's appended to each vector (video and audio of the same clips, in the same order).</summary>
    /// <exception cref="UsageException">The two are not features of the same clips and windows.</exception>
    public FeatureSet Join(FeatureSet other)
    {
        if (!Ids.SequenceEqual(other.Ids, StringComparer.Ordinal) || Windows != other.Windows)
        {
            throw new UsageException($"features: {Clips} clips of {Windows} windows cannot be joined with {other.Clips} clips of {other.Windows}; extract both from the same cache.");
        }

        int dim = Dim + other.Dim;
        float[] vectors = new float[Clips * Windows * dim];
        for (int row = 0; row < Clips * Windows; row++)
        {
            Vectors.AsSpan(row * Dim, Dim).CopyTo(vectors.AsSpan(row * dim));
            other.Vectors.AsSpan(row * other.Dim, other.Dim).CopyTo(vectors.AsSpan((row * dim) + Dim));
        }

        return this with { Dim = dim, Vectors = vectors };
    }

    /// <summary>Throws where shapes, labels or values cannot be: what every user of a feature set may then rely on.</summary>
    /// <exception cref="UsageException">Names what is wrong.</exception>
    public void Validate()
    {
        if (Windows < 1 || Dim < 1 || Labels.Length != Clips || Vectors.Length != (long)Clips * Windows * Dim)
        {
            throw new UsageException($"features: {Vectors.Length} values and {Labels.Length} labels for {Clips} clips of {Windows} windows and {Dim} features.");
        }

        for (int clip = 0; clip < Clips; clip++)
        {
            if (Labels[clip] < -1 || Labels[clip] >= ClassNames.Count)
            {
                throw new UsageException($"features: clip {Ids[clip]} has label {Labels[clip]}, but there are {ClassNames.Count} classes.");
            }

            foreach (float value in Clip(clip))
            {
                if (!float.IsFinite(value))
                {
                    throw new UsageException($"features: clip {Ids[clip]} has a feature that is not finite; check the weights they were taken with.");
                }
            }
        }
    }
}
