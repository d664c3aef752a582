using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>The disk, or the user's quota of it, is full: what was there before is as it was.</summary>
public sealed class FullDiskException(string message, Exception innerException) : FailureException(message, innerException)
{
    private const int NoSpace = 28, QuotaExceeded = 122; // ENOSPC, EDQUOT: .NET hands the system's number on as it is

    /// <summary>Whether an error of the file system means that there is no room.</summary>
    public static bool IsCause(Exception e) => e is IOException && e.HResult is NoSpace or QuotaExceeded;
}
