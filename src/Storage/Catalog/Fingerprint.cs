using System.Text.Json;
using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>
/// How the media of a cache was prepared. Two fingerprints that differ in any key make caches that must not be mixed.
/// In JSON the keys are snake_case: <c>fps, short_side, sample_rate, n_fft, hop, mels, frames_codec, frame_rule, audio_codec, mel_backend, decoder</c>.
/// </summary>
public sealed record Fingerprint : IJsonOnDeserializing
{
    private string _frameRule = FrameRules.OnScreen;

    /// <summary>Frames a second; default 8.</summary>
    [JsonRequired]
    public double Fps { get; init; } = 8;

    /// <summary>Pixels of a frame's shorter side; default 112.</summary>
    [JsonRequired]
    public int ShortSide { get; init; } = 112;

    /// <summary>Hertz of the mono audio; default 16000.</summary>
    [JsonRequired]
    public int SampleRate { get; init; } = 16000;

    /// <summary>Samples of one Fourier window; default 1024.</summary>
    [JsonRequired]
    public int NFft { get; init; } = 1024;

    /// <summary>Samples between spectrogram frames; default 143.</summary>
    [JsonRequired]
    public int Hop { get; init; } = 143;

    /// <summary>Mel bands; default 80.</summary>
    [JsonRequired]
    public int Mels { get; init; } = 80;

    /// <summary><c>raw</c> (rgb24) or <c>jpeg</c> (one JPEG per frame); default raw.</summary>
    [JsonRequired]
    public string FramesCodec { get; init; } = FrameCodecs.Raw;

    /// <summary>Which of a source's frames are cached, and how they are scaled: <c>on_screen</c> (default) or, in caches that do not say, <c>nearest</c>.</summary>
    public string FrameRule
    {
        get => _frameRule;
        init => _frameRule = value;
    }

    /// <summary><c>mel</c> (float16 log-mel) or <c>pcm</c> (16-bit mono samples); default mel.</summary>
    [JsonRequired]
    public string AudioCodec { get; init; } = AudioCodecs.Mel;

    /// <summary>What computed the log-mel: <c>simd</c> or <c>nwaves</c>, which agree to 1e-3, not in every bit; default simd.</summary>
    public string MelBackend { get; init; } = "simd";

    /// <summary>What decoded the media, with its version.</summary>
    [JsonRequired]
    public string Decoder { get; init; } = "";

    /// <summary>One text per key that differs, this value first: <c>short_side 112 ≠ 224</c>. Empty when compatible.</summary>
    public IReadOnlyList<string> Differences(Fingerprint other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return [.. Keys().Zip(other.Keys()).Where(p => !p.First.Value.Equals(p.Second.Value)).Select(p => $"{p.First.Key} {p.First.Value} ≠ {p.Second.Value}")];
    }

    void IJsonOnDeserializing.OnDeserializing() => _frameRule = FrameRules.Nearest; // unless the text says otherwise

    /// <summary>The keys as they stand in JSON with their values, in JSON's order.</summary>
    internal IReadOnlyList<KeyValuePair<string, string>> Keys() =>
        [.. JsonSerializer.SerializeToElement(this, StorageJson.Options).EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.ToString()))];
}
