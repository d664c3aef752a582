using System.Collections.Frozen;

namespace Xkd.Ingest;

/// <summary>
/// Files that lie beside media and are none: documents, subtitles, pictures, lists, what downloaders leave and what desktops write. A name without an extension, or with one
/// that is not known, may be media's.
/// </summary>
internal static class Sidecars
{
    private static readonly FrozenSet<string> Extensions = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        ".txt", ".md", ".rst", ".nfo", ".pdf", ".doc", ".docx", ".html", ".htm", ".url", ".webloc", ".lnk", ".log", ".description",
        ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".parquet", ".npy", ".npz", ".xlsx",
        ".srt", ".vtt", ".ass", ".ssa", ".sub", ".idx", ".lrc", ".sbv", ".ttml",
        ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".svg", ".ico",
        ".part", ".ytdl", ".temp", ".tmp", ".crdownload", ".aria2", ".torrent", ".md5", ".sha1", ".sha256",
        ".db", ".ini", ".bak", ".py", ".sh");

    /// <summary>Whether a file of that name is passed over.</summary>
    public static bool Is(string name) => Extensions.Contains(Path.GetExtension(name));
}
