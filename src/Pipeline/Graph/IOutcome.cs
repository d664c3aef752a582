namespace Xkd.Pipeline;

/// <summary>An item that carries its own result: a stage that puts out a failed one counts a failure and the run goes on.</summary>
public interface IOutcome
{
    /// <summary>The item has failed.</summary>
    bool Failed { get; }
}
