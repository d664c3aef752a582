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

    /// <summary>Whether every byte of a file can be read now.</summary>
    public static async Task<bool> CanBeReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20, useAsync: true);
            await file.CopyToAsync(Stream.Null, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool LooksLikeMedia(string path)
    {
        Span<byte> head = stackalloc byte[12];
        using var handle = File.OpenHandle(path);
        if (RandomAccess.Read(handle, head, 0) < head.Length)
        {
            return false;
        }

        var (first, kind) = (BinaryPrimitives.ReadUInt32BigEndian(head), BinaryPrimitives.ReadUInt32BigEndian(head[4..]));
        return first is 0x1A45DFA3 or 0x52494646 or 0x4F676753 or 0x664C6143 or 0x3026B275 // EBML, RIFF, OggS, fLaC, ASF
            || first is 0x000001BA or 0x000001B3 or 0x2E736E64 or 0x464F524D or 0x63616666 // MPEG-PS, MPEG video, AU, AIFF, CAF
            || first >> 8 is 0x464C56 or 0x494433 // FLV, ID3
            || first >> 20 == 0xFFF || first >> 21 == 0x7FF // ADTS, MPEG audio
            || (head[0] == 0x47 && IsTransportStream(handle))
            || kind is 0x66747970 or 0x6D6F6F76 or 0x6D646174 or 0x66726565 or 0x77696465 or 0x736B6970; // ftyp, moov, mdat, free, wide, skip
    }

    // Packets of 188 bytes that begin alike.
    private static bool IsTransportStream(Microsoft.Win32.SafeHandles.SafeFileHandle handle)
    {
        Span<byte> next = stackalloc byte[1];
        return RandomAccess.Read(handle, next, 188) == 1 && next[0] == 0x47 && RandomAccess.Read(handle, next, 376) == 1 && next[0] == 0x47;
    }
}
