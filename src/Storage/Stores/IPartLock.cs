namespace Xkd.Storage;

/// <summary>The right to write one part of a cache.</summary>
internal interface IPartLock : IDisposable
{
    /// <summary>Whether another held it who gave no sign for too long. What that one has sent already may still arrive.</summary>
    bool TakenOver { get; }

    /// <summary>Makes sure, before anything becomes visible, that the right was not taken over meanwhile.</summary>
    /// <exception cref="FailureException">It was.</exception>
    void Require();
}
