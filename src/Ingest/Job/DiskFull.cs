namespace Xkd.Ingest;

/// <summary>Tells a full disk from other I/O errors.</summary>
internal static class DiskFull
{
    private const int NoSpaceLeft = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT

    public static bool Is(IOException exception) => exception.HResult is NoSpaceLeft or QuotaExceeded;
}
