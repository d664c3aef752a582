namespace Xkd.Model.Distributed;

/// <summary>A sum over ranks that is under way beside other work.</summary>
public interface IPendingSum
{
    /// <summary>From here on the values may be used; work that is put on their device after this call finds them summed. Call it once.</summary>
    void Complete();
}
