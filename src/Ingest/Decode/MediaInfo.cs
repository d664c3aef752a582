namespace Xkd.Ingest;

/// <summary>What a probe says of a file. Durations are seconds; null where nothing declares one.</summary>
/// <param name="Format">The demuxer's names, such as "mov,mp4,m4a,3gp,3g2,mj2".</param>
/// <param name="Duration">The container's, which is its longest stream's.</param>
/// <param name="EstimatesDuration">The durations are ffmpeg's own estimates: from the bit rate, or from the clock's first and last time where it may jump.</param>
/// <param name="Video">Streams that hold pictures and are no attached picture, the best first: the default one, then the largest, then the first.</param>
/// <param name="Audio">Streams that hold sound, the best first: the default one, then the most channels (so far ffmpeg's order), the highest rate, the first.</param>
/// <param name="Unknown">Streams whose size, or rate, nothing tells: there is nothing of them, or they are damaged.</param>
internal sealed record MediaInfo(string Format, double? Duration, bool EstimatesDuration, IReadOnlyList<VideoInfo> Video, IReadOnlyList<AudioInfo> Audio, IReadOnlyList<(int Index, bool IsVideo)> Unknown)
{
    /// <summary>It has an index of presentation times, so that seeking leads to what was asked for.</summary>
    public bool HasIndex => Is("mov") || Is("matroska");

    /// <summary>Whether that is one of the demuxer's names.</summary>
    public bool Is(string format) => Format.Split(',').Contains(format, StringComparer.Ordinal);
}

/// <summary>A stream of pictures.</summary>
/// <param name="Index">Its place among the file's streams.</param>
/// <param name="Width">Pixels as shown, rotation applied.</param>
/// <param name="Height">Pixels as shown, rotation applied.</param>
/// <param name="Duration">Declared by the stream itself.</param>
/// <param name="Delay">Seconds its pictures come late by: where a container holds no presentation times, a picture gets the time of the packet that let the decoder give it out.</param>
internal sealed record VideoInfo(int Index, int Width, int Height, double? Duration, double Delay);

/// <summary>A stream of sound.</summary>
/// <param name="Index">Its place among the file's streams.</param>
/// <param name="Channels">How many.</param>
/// <param name="Layout">Which places they are for, such as "5.1"; null where the file does not say.</param>
/// <param name="Duration">Declared by the stream itself.</param>
/// <param name="Start">Seconds it begins after the file does.</param>
internal sealed record AudioInfo(int Index, int Channels, string? Layout, double? Duration, double Start)
{
    /// <summary>All channels count the same: of more than two nothing says which is which.</summary>
    public bool MixesEvenly => Layout is null && Channels > 2;
}
