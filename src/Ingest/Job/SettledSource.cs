using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Keeps what a run skips honest: an id that is settled already may be another file's, where a cache takes in a second root in which a file has the same name. A file
/// system is asked only where the paths differ.
/// </summary>
internal static class SettledSource
{
    /// <summary>
    /// Passes an item that is the one the ledger has: the same path; a dataset moved or copied, so that the old file is gone or as long as the new one; or an id that names
    /// the recording, which may lie in several files.
    /// </summary>
    /// <exception cref="UsageException">Both files are there, and of different lengths.</exception>
    public static void RequireSame(SourceItem item, LedgerEntry settled, string cache)
    {
        if (item.Path == settled.Source || item.Alternatives.Any(file => file.Path == settled.Source) || item.NamesRecording || item.IsAbsent || item.Flaw is not null
            || FileStamp.Of(settled.Source)?.Bytes is not { } old || FileStamp.Of(item.Path)?.Bytes is not { } now || old == now)
        {
            return;
        }

        throw new UsageException(
            $"{item.Id} is settled in {cache} as {settled.Source} ({old} bytes), and {item.Path} ({now} bytes) is another file of the same id, which would be taken for done; "
            + "name another cache with --out, or make one of a --root above both, where folder names tell them apart"
            + (settled.State == ItemState.Failed ? "; or, if it is the failed one mended, add --retry-failed." : "."));
    }
}
