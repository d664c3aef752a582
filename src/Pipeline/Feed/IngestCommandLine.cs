using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Writes the command that ingests a cache's sources again, for what the cache at hand does not hold.</summary>
internal static class IngestCommandLine
{
    private const double DefaultMaxClip = 60;

    /// <param name="source">The cache at hand.</param>
    /// <param name="wanted">Modalities that are needed; those it was ingested for stay.</param>
    /// <param name="fps">Frames a second.</param>
    /// <param name="shortSide">Pixels.</param>
    /// <param name="pcm">Waveforms are needed.</param>
    public static string For(IClipSource source, Modalities wanted, double fps, int shortSide, bool pcm)
    {
        var kept = source.Fingerprint.FramesCodec == FrameCodecs.Raw ? "" : $" --frames {source.Fingerprint.FramesCodec}";
        var prepared = string.Create(CultureInfo.InvariantCulture, $"--fps {fps} --short-side {shortSide}{kept}{(pcm ? " --audio pcm" : "")}");
        if (source.Origins.Count == 0)
        {
            return $"xkd ingest --dataset DATASET --root DIR --out NEW_CACHE --modalities {Name(wanted)} {prepared}";
        }

        var modalities = source.Origins.Aggregate(wanted, static (all, origin) => all | Parse(origin.Modalities));
        var cache = string.Create(CultureInfo.InvariantCulture, $"{Path.TrimEndingDirectorySeparator(source.Name)}-{Name(modalities)}-{shortSide}{(pcm ? "-pcm" : "")}");
        return string.Join(" && ", source.Origins.Select(origin =>
            $"xkd ingest --dataset {origin.Dataset} --root {Quoted(origin.Root)}{Option("split", origin.Split)}{Option("annotations", origin.Annotations)} "
            + $"--out {Quoted(cache)} --modalities {Name(modalities)} {prepared}{MaxClip(origin)}").Distinct());
    }

    private static string MaxClip(IngestOrigin origin) => origin.MaxClip == DefaultMaxClip ? "" : string.Create(CultureInfo.InvariantCulture, $" --max-clip {origin.MaxClip}");

    private static string Option(string name, string? value) => value is null ? "" : $" --{name} {Quoted(value)}";

    private static Modalities Parse(string name) => name switch { "video" => Modalities.Video, "audio" => Modalities.Audio, _ => Modalities.Both };

    private static string Name(Modalities modalities) => modalities switch { Modalities.Video => "video", Modalities.Audio => "audio", _ => "av" };

    // As a shell takes it.
    private static string Quoted(string text) =>
        text.Length > 0 && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or ':' or '+') ? text : $"'{text.Replace("'", "'\\''")}'";
}
