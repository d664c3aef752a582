namespace Xkd.Ingest;

/// <summary>What generated clips are made of and encoded as.</summary>
public sealed record GeneratedClipFormat
{
    /// <summary>Frame width, pixels, even.</summary>
    public required int Width { get; init; }

    /// <summary>Frame height, pixels, even.</summary>
    public required int Height { get; init; }

    /// <summary>Frames per second.</summary>
    public required int Fps { get; init; }

    /// <summary>Samples per second of what a clip writes.</summary>
    public required int SampleRate { get; init; }

    /// <summary>Samples per second of the file.</summary>
    public int EncodedSampleRate { get; init; } = 16_000;

    /// <summary>Video bits per second; fixed, so that a file's size follows its length and not what it shows. 400,000.</summary>
    public int VideoBitRate { get; init; } = 400_000;

    /// <summary>Audio bits per second; 64,000.</summary>
    public int AudioBitRate { get; init; } = 64_000;
}
