namespace Xkd.Storage;

/// <summary>The right to write one part of a cache.</summary>
internal interface IPartLock : IDisposable
{
    /// <summary>Makes sure, before anything becomes visible, that the right was not taken over meanwhile.</summary>
    /// <exception cref="FailureException">It was.</exception>
    void Require();
}
