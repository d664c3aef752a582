using System.Reflection;

namespace Xkd.Storage.Tests;

/// <summary>A store that says which file is about to be read whole, or put in place. Public and open, as a proxy is a class made from it.</summary>
public class WatchedStore : DispatchProxy
{
    private ICacheStore _store = null!;
    private Action<string> _reading = null!, _putting = null!;

    internal static ICacheStore Of(ICacheStore store, Action<string>? reading = null, Action<string>? putting = null)
    {
        var watched = Create<ICacheStore, WatchedStore>();
        ((WatchedStore)watched)._store = store;
        ((WatchedStore)watched)._reading = reading ?? (static _ => { });
        ((WatchedStore)watched)._putting = putting ?? (static _ => { });
        return watched;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        switch (targetMethod!.Name)
        {
            case nameof(ICacheStore.TryRead):
                _reading((string)args![0]!);
                break;
            case nameof(ICacheStore.TryPut):
                _putting((string)args![0]!);
                break;
        }

        return targetMethod.Invoke(_store, args);
    }
}
