namespace Xkd.Storage;

/// <summary>The work could not be done, corruption included: exit code 1.</summary>
public class FailureException(string message, Exception? innerException = null) : XkdException(message, innerException);
