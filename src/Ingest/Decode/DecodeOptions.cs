using System.Buffers;

namespace Xkd.Ingest;

/// <summary>What is decoded, and how it is prepared.</summary>
internal sealed record DecodeOptions
{
    /// <summary>Cached frames per second; 8.</summary>
    public double Fps { get; init; } = 8;

    /// <summary>Short side in pixels; 112. The long side is floored: 340x256 becomes 148x112.</summary>
    public int ShortSide { get; init; } = 112;

    /// <summary>Hertz of the mono audio; 16000.</summary>
    public int SampleRate { get; init; } = 16000;

    /// <summary>What is decoded; never <see cref="Modalities.Auto"/> here.</summary>
    public Modalities Modalities { get; init; } = Modalities.AudioVideo;

    /// <summary>Sources with less than this many seconds fail as too-short; 0.25.</summary>
    public double MinClip { get; init; } = 0.25;

    /// <summary>Bytes of one source's frames, and as many of its samples, kept in memory; beyond it they go to a temporary file. 256 MiB.</summary>
    public long ResidentBytes { get; init; } = 256L << 20;

    /// <summary>Lends the memory for them and for what comes through pipes; a pool of its own.</summary>
    public ArrayPool<byte> Buffers { get; init; } = new PayloadPool<byte>(3);

    /// <summary>Where that temporary file goes; null is TMPDIR or, without one, /var/tmp.</summary>
    public string? SpoolFolder { get; init; }

    /// <summary>Time one source may take, probing included; 600 s.</summary>
    public TimeSpan ItemTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Decoded seconds below this part of the declared duration make a source truncated; 0.9.</summary>
    public double CompleteRatio { get; init; } = 0.9;

    /// <summary>Pixels a source's picture has at most; 36 million, above 8K.</summary>
    public long MaxPixels { get; init; } = 36_000_000;

    /// <summary>A picture's long side is at most so many times its short one, which the cached frames keep; 32.</summary>
    public double MaxAspect { get; init; } = 32;

    /// <summary>Bytes of one source's decoded frames and samples; 16 GiB, which is eight hours of 16:9 at the default size and rate.</summary>
    public long MaxDecoded { get; init; } = 16L << 30;

    public bool WantsVideo => Modalities is not Modalities.Audio;

    public bool WantsAudio => Modalities is not Modalities.Video;
}
