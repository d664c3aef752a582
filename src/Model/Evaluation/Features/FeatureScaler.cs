namespace Xkd.Model.Evaluation;

/// <summary>A <see cref="FeatureScaling"/> with what it learnt from training features.</summary>
internal sealed class FeatureScaler
{
    private readonly FeatureScaling _kind;
    private readonly double[] _mean;
    private readonly double[] _deviation;

    private FeatureScaler(FeatureScaling kind, double[] mean, double[] deviation)
    {
        _kind = kind;
        _mean = mean;
        _deviation = deviation;
    }

    public static FeatureScaler Fit(FeatureSet train, FeatureScaling kind)
    {
        double[] mean = new double[train.Dim], deviation = new double[train.Dim];
        if (kind == FeatureScaling.Standardise)
        {
            int rows = train.Clips * train.Windows;
            for (int i = 0; i < train.Vectors.Length; i++)
            {
                mean[i % train.Dim] += train.Vectors[i] / (double)rows;
            }

            for (int i = 0; i < train.Vectors.Length; i++)
            {
                double centred = train.Vectors[i] - mean[i % train.Dim];
                deviation[i % train.Dim] += centred * centred / rows;
            }

            for (int d = 0; d < train.Dim; d++)
            {
                // A constant feature says nothing: leave it at zero rather than blow rounding noise up.
                deviation[d] = deviation[d] > 1e-20 * (1 + (mean[d] * mean[d])) ? Math.Sqrt(deviation[d]) : 1;
            }
        }

        return new FeatureScaler(kind, mean, deviation);
    }

    public FeatureSet Apply(FeatureSet set)
    {
        if (_kind == FeatureScaling.None)
        {
            return set;
        }

        float[] vectors = [.. set.Vectors];
        if (_kind == FeatureScaling.UnitLength)
        {
            VectorMath.NormaliseRows(vectors, set.Dim);
        }
        else
        {
            for (int i = 0; i < vectors.Length; i++)
            {
                vectors[i] = (float)((vectors[i] - _mean[i % set.Dim]) / _deviation[i % set.Dim]);
            }
        }

        return set with { Vectors = vectors };
    }
}
