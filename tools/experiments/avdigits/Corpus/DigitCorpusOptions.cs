namespace Xkd.Experiments.AvDigits;

/// <summary>The corpus's size and seed.</summary>
internal sealed record DigitCorpusOptions
{
    /// <summary>Folder of MNIST: IDX files, or pictures by digit.</summary>
    public required string Mnist { get; init; }

    /// <summary>Folder of the Free Spoken Digit Dataset.</summary>
    public required string Fsdd { get; init; }

    /// <summary>Every clip is a pure function of the seed, its split, digit and index, and of what the folders hold.</summary>
    public ulong Seed { get; init; }

    public int TrainPerClass { get; init; } = 200;

    public int ValidationPerClass { get; init; } = 30;
}
