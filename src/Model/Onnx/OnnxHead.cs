using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Onnx;

/// <summary>What of the features is brought to length 1 before a linear layer.</summary>
public enum OnnxUnitLength
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>All features of a sample together.</summary>
    Joined,

    /// <summary>Each encoder's features by themselves.</summary>
    Each,
}

/// <summary>
/// A classifier on the features of an exported model: optional unit length, then a linear layer. What a batch norm or a standardisation does between the two
/// goes into the layer by <see cref="After"/>.
/// </summary>
/// <param name="Weight">[classes, features] row-major; features are in the order of the encoders.</param>
/// <param name="Bias">[classes]</param>
/// <param name="UnitLength">What is brought to length 1 first; a length below 1e-12 counts as 1e-12.</param>
/// <param name="Classes">Names of the classes, in the order of the logits; kept in the file.</param>
public sealed record OnnxHead(float[] Weight, float[] Bias, OnnxUnitLength UnitLength, IReadOnlyList<string> Classes)
{
    /// <summary>The head of a trained classifier: an SVM with its scaling, or the linear layer of linear evaluation and fine-tuning with its batch norm.</summary>
    /// <exception cref="FailureException">The classifier lacks a tensor.</exception>
    public static OnnxHead Of(KeptClassifier classifier)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        var (head, config) = (classifier.Head, classifier.Config);
        float[] Values(string name) => Array.ConvertAll(head.Values(name), v => (float)v);
        var unitLength = config switch
        {
            SvmConfig { Scaling: FeatureScaling.UnitLength } => OnnxUnitLength.Each,
            ClassifierConfig { Head.UnitLength: true } => OnnxUnitLength.Joined,
            _ => OnnxUnitLength.None,
        };
        OnnxHead linear = new(Values(HeadWeights.Weight), Values(HeadWeights.Bias), unitLength, classifier.Description.Classes);
        if (config is not ClassifierConfig { Head.BatchNorm: true })
        {
            return linear;
        }

        double[] scale = [.. head.Values("bn.weight").Zip(head.Values("bn.running_var"), (gamma, variance) => gamma / Math.Sqrt(variance + ClassifierHead.NormEps))];
        double[] shift = [.. head.Values("bn.bias").Zip(head.Values("bn.running_mean"), scale).Select(v => v.First - (v.Second * v.Third))];
        return linear.After(scale, shift);
    }

    /// <summary>
    /// This head where each feature x becomes scale · x + shift before the linear layer. For batch norm scale is γ / √(variance + ε) and shift is
    /// β − mean · scale.
    /// </summary>
    /// <exception cref="UsageException">There is not one scale and one shift a feature.</exception>
    public OnnxHead After(IReadOnlyList<double> scale, IReadOnlyList<double> shift)
    {
        if (Bias.Length == 0 || scale.Count * (long)Bias.Length != Weight.Length || shift.Count != scale.Count)
        {
            throw new UsageException(
                $"a head of {Weight.Length} weights and {Bias.Length} biases got {scale.Count} scales and {shift.Count} shifts; give one of each a feature");
        }

        var width = scale.Count;
        return this with
        {
            Weight = [.. Weight.Select((w, i) => (float)(w * scale[i % width]))],
            Bias = [.. Bias.Select((b, row) => (float)(b + Enumerable.Range(0, width).Sum(i => Weight[(row * width) + i] * shift[i])))],
        };
    }

    /// <summary>This head, once it fits so many features.</summary>
    /// <exception cref="UsageException">It does not.</exception>
    internal OnnxHead Checked(int features) => Classes.Count > 0 && Bias.Length == Classes.Count && Weight.Length == (long)features * Classes.Count
        ? this
        : throw new UsageException(
            $"a head of {Classes.Count} classes on {features} features needs {(long)features * Classes.Count} weights and {Classes.Count} biases, "
            + $"got {Weight.Length} and {Bias.Length}; give it the encoders that it was trained on");
}
