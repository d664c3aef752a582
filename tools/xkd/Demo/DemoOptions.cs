namespace Xkd.Cli.Demo;

/// <summary>Size and seed of the demonstration.</summary>
internal sealed record DemoOptions
{
    /// <summary>Where everything is written. Default out/demo.</summary>
    public string Out { get; init; } = "out/demo";

    /// <summary>Seed of clips, initialisation and order. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>A few clips and steps: shows that every part runs, not that the model learned. Default false.</summary>
    public bool Short { get; init; }

    /// <summary>Training clips per class.</summary>
    public int TrainPerClass => Short ? 6 : 150;

    /// <summary>Validation clips per class.</summary>
    public int ValidationPerClass => Short ? 4 : 40;

    /// <summary>Epochs of each training.</summary>
    public int Epochs => Short ? 2 : 20;

    /// <summary>Clips a step.</summary>
    public int Batch => Short ? 6 : 32;
}
