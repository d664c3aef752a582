namespace Xkd.Pipeline;

/// <summary>An item whose size counts against the graph's byte budget.</summary>
public interface IPayload
{
    /// <summary>Bytes of payload the item keeps alive. It may only shrink after the item was sent on.</summary>
    long Bytes { get; }
}
