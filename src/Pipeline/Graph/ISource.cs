namespace Xkd.Pipeline;

/// <summary>The first stage of a graph.</summary>
/// <typeparam name="T">The items that come out.</typeparam>
public interface ISource<out T> : IStage<T>;
