namespace Xkd.Pipeline;

/// <summary>
/// What a stream of random numbers is used for: draws for one purpose never shift those for another. The values are part of a
/// run's reproducibility: add new ones, never renumber.
/// </summary>
public enum SamplePurpose
{
    /// <summary>Start of the global window.</summary>
    Window = 1,

    /// <summary>Start of a local video view; the index is the view.</summary>
    LocalVideoStart = 2,

    /// <summary>Start of a local audio view; the index is the view.</summary>
    LocalAudioStart = 3,

    /// <summary>Crop rectangle of a video view.</summary>
    VideoCrop = 10,

    /// <summary>Horizontal flip of a video view.</summary>
    VideoFlip = 11,

    /// <summary>Colour jitter factors of a video view.</summary>
    VideoJitter = 12,

    /// <summary>Order of the colour jitter operations of a video view.</summary>
    VideoJitterOrder = 13,

    /// <summary>Grayscale decision of a video view.</summary>
    VideoGray = 14,

    /// <summary>Blur decision of a video view.</summary>
    VideoBlur = 15,

    /// <summary>Volume change of an audio view.</summary>
    AudioVolume = 20,

    /// <summary>Resize-crop of an audio view.</summary>
    AudioCrop = 21,

    /// <summary>Time warp of an audio view.</summary>
    AudioTimeWarp = 22,

    /// <summary>Frequency and time masks of an audio view.</summary>
    AudioMasks = 23,

    /// <summary>Operations, magnitudes and signs of random augmentation.</summary>
    RandAugment = 30,

    /// <summary>Whether and where a view is erased.</summary>
    Erasing = 31,

    /// <summary>The noise that fills what is erased.</summary>
    ErasingNoise = 32,

    /// <summary>Noise that orders video tokens for random masking.</summary>
    VideoMaskNoise = 40,

    /// <summary>Noise that orders audio tokens for random masking.</summary>
    AudioMaskNoise = 41,

    /// <summary>Mixing of labelled samples.</summary>
    Mixing = 50,

    /// <summary>Which clips' labels a probe uses.</summary>
    Labels = 51,
}
