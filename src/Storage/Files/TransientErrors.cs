namespace Xkd.Storage;

/// <summary>Which errors of the operating system pass by themselves.</summary>
internal static class TransientErrors
{
    /// <summary>
    /// EINTR, EAGAIN, ETIMEDOUT, ESTALE: an interrupted call, a busy or slow server, a handle a server forgot. EIO is not among them: after a failed
    /// write-back the kernel drops what it could not write, and the next sync would report success. Nor is a full disk.
    /// </summary>
    public static bool Has(Exception error) => error is IOException { HResult: 4 or 11 or 110 or 116 };
}
