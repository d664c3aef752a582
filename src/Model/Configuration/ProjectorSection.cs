namespace Xkd.Model.Configuration;

/// <summary>The projection head of students and teachers.</summary>
public sealed record ProjectorSection
{
    /// <summary>Linear layers of the MLP. Default 3.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Hidden width. Default 2048.</summary>
    public int Hidden { get; init; } = 2048;

    /// <summary>Width before the weight-normalised last layer. Default 256.</summary>
    public int Bottleneck { get; init; } = 256;

    /// <summary>Output dimensions (prototypes). Default 8192.</summary>
    public int Out { get; init; } = 8192;
}
