namespace Xkd.Pipeline;

/// <summary>An item on its way between two stages, with the byte credit that goes with it.</summary>
internal sealed class Envelope<T>(T item, ByteCredit? credit)
{
    private T? _item = item;
    private ByteCredit? _credit = credit;
    private bool _empty;

    public T Item => _empty ? throw new InvalidOperationException("the item has left its envelope") : _item!;

    public ByteCredit? Credit => _credit;

    /// <summary>In an ordered stage: done when every earlier item has been put out.</summary>
    public Task Turn { get; set; } = Task.CompletedTask;

    /// <summary>In an ordered stage: tells the next item that this one is out, or never will be.</summary>
    public TaskCompletionSource? Out { get; set; }

    /// <summary>In an ordered stage: done when every earlier item holds what it reserves.</summary>
    public Task Admission { get; set; } = Task.CompletedTask;

    /// <summary>In an ordered stage: tells the next item that this one holds what it reserves, or never will.</summary>
    public TaskCompletionSource? Admitted { get; set; }

    /// <summary>The item and its credit belong to someone else now.</summary>
    public void Empty()
    {
        _empty = true;
        (_item, _credit) = (default, null);
    }

    /// <summary>Throws away what is still inside: disposes the item and returns its credit. Once; nothing is left after it.</summary>
    public void Discard()
    {
        (object? item, var credit) = (_item, _credit);
        Empty();
        (item as IDisposable)?.Dispose();
        credit?.Dispose();
    }
}
