namespace Xkd.Model.Configuration;

/// <summary>
/// What a weight file does not say about its encoder; a run's folder and an export of one say it themselves and are believed. The defaults are the released weights':
/// depth, width and the number of tokens are read off the tensors.
/// </summary>
public sealed record EncoderSection
{
    /// <summary>Attention heads. Default 0: one per 64 features.</summary>
    [Within(0, 1024)]
    public int Heads { get; init; }

    /// <summary>Frames a second. Default 8.</summary>
    [Within(0, 1000, Above = true)]
    public double Fps { get; init; } = 8;

    /// <summary>Frames of the native clip. Default 32.</summary>
    [Within(1, 4096)]
    public int Frames { get; init; } = 32;

    /// <summary>Height and width of the native clip, pixels. Default 112.</summary>
    [Within(1, 4096)]
    public int Size { get; init; } = 112;

    /// <summary>Cuboid of one video token: frames, height, width. Default [4, 16, 16].</summary>
    [Within(1, 4096)]
    public int[] VideoPatch { get; init; } = [4, 16, 16];

    /// <summary>Mel bands. Default 80.</summary>
    [Within(1, 1024)]
    public int Mels { get; init; } = 80;

    /// <summary>Spectrogram frames of the native view. Default 448.</summary>
    [Within(1, 100_000)]
    public int MelFrames { get; init; } = 448;

    /// <summary>Patch of one audio token: mels, spectrogram frames. Default [4, 16].</summary>
    [Within(1, 100_000)]
    public int[] AudioPatch { get; init; } = [4, 16];

    /// <summary>Mean of the log-mel it was trained with. Default −5.3688107: Kinetics-400.</summary>
    [Within(-1e6, 1e6)]
    public double MelMean { get; init; } = -5.3688107;

    /// <summary>Standard deviation of that log-mel. Default 4.410007.</summary>
    [Within(1e-6, 1e6)]
    public double MelStd { get; init; } = 4.410007;
}
