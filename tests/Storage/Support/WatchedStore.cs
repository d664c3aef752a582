using System.Reflection;

namespace Xkd.Storage.Tests;

/// <summary>A store that says which file is about to be read whole. Public and open, as a proxy is a class made from it.</summary>
public class WatchedStore : DispatchProxy
{
    private ICacheStore _store = null!;
    private Action<string> _reading = null!;

    internal static ICacheStore Of(ICacheStore store, Action<string> reading)
    {
        var watched = Create<ICacheStore, WatchedStore>();
        ((WatchedStore)watched)._store = store;
        ((WatchedStore)watched)._reading = reading;
        return watched;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(ICacheStore.TryRead))
        {
            _reading((string)args![0]!);
        }

        return targetMethod.Invoke(_store, args);
    }
}
