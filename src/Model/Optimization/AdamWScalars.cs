namespace Xkd.Model.Optimization;

/// <summary>The numbers of one AdamW update, as its kernel takes them: p = p · <see cref="Decay"/> − <see cref="StepSize"/> · m / (√v · <see cref="Deviation"/> + <see cref="Eps"/>).</summary>
internal readonly struct AdamWScalars
{
    /// <param name="options">AdamW's constants.</param>
    /// <param name="steps">Updates including this one.</param>
    /// <param name="learningRate">Learning rate.</param>
    /// <param name="decay">Decoupled weight decay.</param>
    public AdamWScalars(AdamWOptions options, double steps, double learningRate, double decay)
    {
        TakeMean = (float)(1 - options.Beta1);
        KeepVariance = (float)options.Beta2;
        TakeVariance = (float)(1 - options.Beta2);
        Eps = (float)options.Eps;
        Decay = (float)(1 - (learningRate * decay));
        StepSize = (float)(learningRate / (1 - Math.Pow(options.Beta1, steps)));
        Deviation = (float)(1 / Math.Sqrt(1 - Math.Pow(options.Beta2, steps)));
    }

    /// <summary>Share of the gradient in its running mean.</summary>
    public float TakeMean { get; }

    /// <summary>Share kept of the squared gradient's running mean.</summary>
    public float KeepVariance { get; }

    /// <summary>Share of the squared gradient in its running mean.</summary>
    public float TakeVariance { get; }

    public float Eps { get; }

    /// <summary>What weight decay leaves of a value.</summary>
    public float Decay { get; }

    /// <summary>Learning rate over the bias correction of the mean.</summary>
    public float StepSize { get; }

    /// <summary>Bias correction of the deviation.</summary>
    public float Deviation { get; }
}
