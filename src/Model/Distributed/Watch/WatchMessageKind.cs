namespace Xkd.Model.Distributed;

internal enum WatchMessageKind
{
    /// <summary>The first line either way: who is there, of which run.</summary>
    Hello,

    /// <summary>A sign of life.</summary>
    Beat,

    /// <summary>The run is over for a reason: end now.</summary>
    End,

    /// <summary>Done: from here on the line may close.</summary>
    Bye,
}
