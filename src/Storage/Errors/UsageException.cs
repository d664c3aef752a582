namespace Xkd.Storage;

/// <summary>Wrong usage, an impossible configuration or an incompatible cache: exit code 2, nothing was changed.</summary>
public class UsageException(string message, Exception? innerException = null) : XkdException(message, innerException);
