namespace Xkd.Testing;

/// <summary>The size of a miniature dataset, and what its media are like.</summary>
public sealed record MiniatureOptions
{
    /// <summary>Classes, the first of the dataset's own; 2.</summary>
    public int Classes { get; init; } = 2;

    /// <summary>Clips of each class in each split (or in all, where the dataset has folds); 4, one for each spelling or container there is.</summary>
    public int ClipsPerClass { get; init; } = 4;

    /// <summary>Seconds of a clip; 2.</summary>
    public double Seconds { get; init; } = 2;

    /// <summary>Whether colour and pitch tell the class; true. Otherwise all classes look and sound alike.</summary>
    public bool Recognizable { get; init; } = true;
}
