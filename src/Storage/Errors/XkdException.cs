namespace Xkd.Storage;

/// <summary>
/// An error meant for a person: one line naming the thing, the value and the fix. Everything else that escapes is a defect
/// and is shown with its stack.
/// </summary>
public abstract class XkdException(string message, Exception? innerException) : Exception(message, innerException);
