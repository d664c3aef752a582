namespace Xkd.Ingest;

/// <summary>What is decoded of each source.</summary>
public enum Modalities
{
    /// <summary>What the dataset is for: see <see cref="DatasetRegistry.DefaultModalities"/>.</summary>
    Auto,

    /// <summary>Frames and log-mel.</summary>
    AudioVideo,

    /// <summary>Frames alone.</summary>
    Video,

    /// <summary>Log-mel alone.</summary>
    Audio,
}
