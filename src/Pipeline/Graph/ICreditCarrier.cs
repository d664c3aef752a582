namespace Xkd.Pipeline;

/// <summary>
/// An item that outlives the graph's grip on it, such as a batch handed to the trainer: it takes over the byte credit and gives
/// it back when disposed. Credit of other items returns when the sink or the consumer's loop body is done with them.
/// </summary>
internal interface ICreditCarrier : IDisposable
{
    /// <summary>The item has its credit, or needs none: the graph acquires nothing for it.</summary>
    bool Carries { get; }

    /// <summary>Takes over the credit.</summary>
    void Carry(ByteCredit credit);
}
