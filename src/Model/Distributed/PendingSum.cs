namespace Xkd.Model.Distributed;

/// <summary>What is left to do for a sum that was begun.</summary>
internal sealed class PendingSum(Action complete) : IPendingSum
{
    /// <summary>Of a sum that is done already.</summary>
    public static IPendingSum Done { get; } = new PendingSum(static () => { });

    public void Complete() => complete();
}
