namespace Xkd.Ingest;

/// <summary>The demonstration set's size and seed.</summary>
public sealed record ShapesOptions
{
    /// <summary>Every clip is a pure function of the seed, its split, class and index; 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Training clips per class; 50 (six classes).</summary>
    public int TrainPerClass { get; init; } = 50;

    /// <summary>Validation clips per class; 40.</summary>
    public int ValidationPerClass { get; init; } = 40;

    /// <summary>Frame width in pixels, even; 96.</summary>
    public int Width { get; init; } = 96;

    /// <summary>Frame height in pixels, even; 72.</summary>
    public int Height { get; init; } = 72;

    /// <summary>Frames per second; 8.</summary>
    public int Fps { get; init; } = 8;

    /// <summary>Samples per second; 16000.</summary>
    public int SampleRate { get; init; } = 16000;

    /// <summary>Encoding processes at a time; 0 (default) is one per core.</summary>
    public int Workers { get; init; }
}
