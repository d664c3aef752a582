namespace Xkd.Conformance;

/// <summary>Knows how to run the golden cases of one or more topics through the production types. Found by reflection.</summary>
public interface IGoldenTopic
{
    /// <summary>Values of a case's <c>topic</c> field that this class runs.</summary>
    IReadOnlyCollection<string> Topics { get; }

    /// <summary>Runs one case and hands every result to <paramref name="check"/>.</summary>
    void Run(GoldenCase golden, GoldenCheck check);
}
