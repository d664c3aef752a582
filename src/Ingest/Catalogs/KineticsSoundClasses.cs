using System.Collections.Frozen;

namespace Xkd.Ingest;

/// <summary>The 32 classes of Kinetics-400 that are seen and heard, in use with the released evaluation as "Kinetics-Sound".</summary>
internal static class KineticsSoundClasses
{
    /// <summary>Folded (<see cref="ClassName.Folded(string)"/>).</summary>
    public static FrozenSet<string> All { get; } = FrozenSet.Create(
        StringComparer.Ordinal,
        "blowing nose", "blowing out candles", "bowling", "chopping wood", "dribbling basketball", "laughing", "mowing lawn", "playing accordion",
        "playing bagpipes", "playing bass guitar", "playing clarinet", "playing drums", "playing guitar", "playing harmonica", "playing keyboard", "playing organ",
        "playing piano", "playing saxophone", "playing trombone", "playing trumpet", "playing violin", "playing xylophone", "ripping paper", "shoveling snow",
        "shuffling cards", "singing", "stomping grapes", "strumming guitar", "tap dancing", "tapping guitar", "tapping pen", "tickling");
}
