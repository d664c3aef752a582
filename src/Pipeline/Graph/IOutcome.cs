namespace Xkd.Pipeline;

/// <summary>An item that carries its own result: the stage that makes it a failed one counts a failure and the run goes on.</summary>
public interface IOutcome
{
    /// <summary>The item has failed.</summary>
    bool Failed { get; }
}
