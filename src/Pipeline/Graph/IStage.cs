namespace Xkd.Pipeline;

/// <summary>The output end of a stage of a <see cref="PipelineGraph"/>: what the next stage is built on.</summary>
/// <typeparam name="T">The items that come out.</typeparam>
public interface IStage<out T>
{
    /// <summary>The stage's name, unique in its graph.</summary>
    string Name { get; }
}
