namespace Xkd.Model.Configuration;

/// <summary>The projection head of students and teachers.</summary>
public sealed record ProjectorSection
{
    /// <summary>Linear layers of the MLP. Default 3.</summary>
    [Within(1, 100)]
    public int Layers { get; init; } = 3;

    /// <summary>Hidden width. Default 2048.</summary>
    [Within(1, 1 << 20)]
    public int Hidden { get; init; } = 2048;

    /// <summary>Width before the weight-normalised last layer. Default 256.</summary>
    [Within(0, 1 << 20)]
    public int Bottleneck { get; init; } = 256;

    /// <summary>Output dimensions (prototypes). Default 8192.</summary>
    [Within(1, 1 << 20)]
    public int Out { get; init; } = 8192;
}
