namespace Xkd.Model.Weights;

/// <summary>What to take from a weight file.</summary>
public sealed record WeightImportOptions
{
    /// <summary>The encoder wanted. Default null: told from the weights; a whole pre-training model is then taken as it is.</summary>
    public WeightModality? Modality { get; init; }

    /// <summary>Which copy of the encoder, where the file holds a whole pre-training model. Default teacher.</summary>
    public WeightBranch Branch { get; init; } = WeightBranch.Teacher;
}
