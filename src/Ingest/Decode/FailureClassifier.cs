using System.Buffers.Binary;

namespace Xkd.Ingest;

/// <summary>Turns what ffmpeg says, and what the file begins with, into one of the ledger's reasons.</summary>
internal static class FailureClassifier
{
    private static readonly string[] TransientErrors =
        ["Input/output error", "Stale file handle", "Resource temporarily unavailable", "Connection timed out", "Transport endpoint", "Too many open files", "Cannot allocate memory"];

    /// <summary>Looks at the file before any process is started; null when there is something to decode.</summary>
    public static ItemFailure? Unreadable(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return new ItemFailure(FailureStages.Catalog, FailureReasons.Absent, $"{path} does not exist");
            }

            if (FileKind.Irregular(path) is { } kind)
            {
                return new ItemFailure(FailureStages.Catalog, FailureReasons.NotMedia, $"{path} is {kind}, not a file");
            }

            using var handle = File.OpenHandle(path);
            return RandomAccess.GetLength(handle) > 0 ? null : new ItemFailure(FailureStages.Probe, FailureReasons.Empty, $"{path} has no bytes");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return new ItemFailure(FailureStages.Catalog, FailureReasons.Absent, $"{path} points to a file that does not exist");
        }
        catch (UnauthorizedAccessException exception)
        {
            return new ItemFailure(FailureStages.Catalog, FailureReasons.Unreadable, exception.Message);
        }
        catch (IOException exception)
        {
            return new ItemFailure(FailureStages.Catalog, FailureReasons.Io, exception.Message);
        }
    }

    /// <summary>The container could not be opened.</summary>
    public static ItemFailure Unopened(string path, IReadOnlyList<string> errors)
    {
        var detail = errors.Count > 0 ? string.Join("; ", errors.Take(3)) : "ffprobe gave no reason";
        if (IsTransient(errors))
        {
            return new ItemFailure(FailureStages.Probe, FailureReasons.Io, detail);
        }

        // By its name alone ffmpeg takes a text called .mp4 for a film without an index: the first bytes decide.
        if (!LooksLikeMedia(path))
        {
            return new ItemFailure(FailureStages.Probe, FailureReasons.NotMedia, detail);
        }

        // An MP4 is written with its index last: without one the file was cut off.
        return errors.Any(static error => error.Contains("moov atom not found", StringComparison.Ordinal))
            ? new ItemFailure(FailureStages.Probe, FailureReasons.Truncated, detail)
            : new ItemFailure(FailureStages.Probe, FailureReasons.Corrupt, detail);
    }

    /// <summary>Whether trying again may help.</summary>
    public static bool IsTransient(IEnumerable<string> errors) => errors.Any(static error => Array.Exists(TransientErrors, known => error.Contains(known, StringComparison.Ordinal)));

    private static bool LooksLikeMedia(string path)
    {
        Span<byte> head = stackalloc byte[12];
        using var handle = File.OpenHandle(path);
        if (RandomAccess.Read(handle, head, 0) < head.Length)
        {
            return false;
        }

        var first = BinaryPrimitives.ReadUInt32BigEndian(head);
        return first is 0x1A45DFA3 or 0x52494646 or 0x4F676753 or 0x664C6143 or 0x000001BA or 0x3026B275 // EBML, RIFF, OggS, fLaC, MPEG-PS, ASF
            || first >> 8 is 0x464C56 or 0x494433 // FLV, ID3
            || head[4..8].SequenceEqual("ftyp"u8)
            || head[4..8].SequenceEqual("moov"u8);
    }
}
