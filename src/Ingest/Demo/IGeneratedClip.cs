namespace Xkd.Ingest;

/// <summary>A clip made of numbers: where it goes, its frames and its samples.</summary>
public interface IGeneratedClip
{
    /// <summary>The file; it exists only whole.</summary>
    string Path { get; }

    /// <summary>Where it is written first: a hidden file of the same folder, so that no catalog lists half a clip.</summary>
    string Temporary { get; }

    /// <summary>Writes every frame, rgb24 [height, width, 3].</summary>
    Task WriteFramesAsync(Stream pipe);

    /// <summary>Writes every sample, signed 16-bit little-endian mono.</summary>
    Task WriteSamplesAsync(Stream pipe);
}
