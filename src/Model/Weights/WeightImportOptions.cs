namespace Xkd.Model.Weights;

/// <summary>What to take from a weight file.</summary>
public sealed record WeightImportOptions
{
    /// <summary>The encoder wanted. Default null: told from the weights; a whole pre-training model is then taken as it is.</summary>
    public WeightModality? Modality { get; init; }

    /// <summary>Which copy of the encoder, where the file holds a whole pre-training model. Default teacher.</summary>
    public WeightBranch Branch { get; init; } = WeightBranch.Teacher;

    /// <summary>Take a file that holds no encoder as it is, every tensor under its own name, instead of refusing it. Default false.</summary>
    public bool AnyTensors { get; init; }
}
