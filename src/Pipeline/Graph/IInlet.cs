namespace Xkd.Pipeline;

/// <summary>The bounded queue in front of a stage, as its predecessor sees it.</summary>
internal interface IInlet<T>
{
    /// <summary>Waits for room and takes the envelope over.</summary>
    /// <exception cref="OperationCanceledException">The run stopped first; the envelope stays the caller's.</exception>
    Task SendAsync(Envelope<T> envelope, CancellationToken stopping);

    /// <summary>No item follows.</summary>
    void Complete();
}
