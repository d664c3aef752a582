using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Tells what an item may have brought about from what ends the run.</summary>
internal static class ItemFault
{
    /// <summary>Neither an error that a person can act on, which is the run's, nor a cancellation, nor want of memory.</summary>
    public static bool Is(Exception exception) => exception is not (XkdException or OperationCanceledException or OutOfMemoryException);
}
