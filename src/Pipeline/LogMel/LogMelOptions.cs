namespace Xkd.Pipeline;

/// <summary>How a waveform becomes a log-mel spectrogram. The defaults are the released recipe (arXiv 2211.13929): 4 s at 16 kHz give 80×448.</summary>
public sealed record LogMelOptions
{
    /// <summary>Samples per second of the waveform, in hertz. Default 16000.</summary>
    public int SampleRate { get; init; } = 16000;

    /// <summary>Samples of one analysis frame: an even number from 8 to 65536; powers of two are fastest. Default 1024.</summary>
    public int NFft { get; init; } = 1024;

    /// <summary>Samples between the centres of two frames. Default 143.</summary>
    public int Hop { get; init; } = 143;

    /// <summary>Mel bands. Default 80.</summary>
    public int Mels { get; init; } = 80;

    /// <summary>Lower edge of the lowest band, in hertz. Default 0.</summary>
    public double FMin { get; init; }

    /// <summary>Upper edge of the highest band, in hertz. Default: half the sample rate.</summary>
    public double? FMax { get; init; }

    /// <summary>Added to the power of every bin. Default 2^-52, as the reference does; it vanishes in float32 unless the bin is almost empty.</summary>
    public double PowerEpsilon { get; init; } = 2.220446049250313e-16;

    /// <summary>Added to every band before the logarithm. Default 2^-23, so silence is ln(2^-23) = -15.9424.</summary>
    public double LogEpsilon { get; init; } = 1.1920928955078125e-07;
}
