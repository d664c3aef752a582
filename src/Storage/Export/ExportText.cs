using System.Globalization;

namespace Xkd.Storage;

/// <summary>What exports say of a cache.</summary>
internal static class ExportText
{
    public static string Name(Cache cache) => cache.Path[(cache.Path.LastIndexOf('/') + 1)..];

    public static string Media(Fingerprint f) => string.Create(
        CultureInfo.InvariantCulture,
        $"frames {f.FramesCodec}, {f.Fps:g} a second, short side {f.ShortSide}; audio {f.AudioCodec}, {f.SampleRate} Hz, "
        + $"{f.Mels} mels with n_fft {f.NFft} and hop {f.Hop}");
}
