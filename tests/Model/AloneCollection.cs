namespace Xkd.Model.Tests;

/// <summary>Tests that count the live tensors of the whole process, or use up its cores: nothing else may run beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection
{
    /// <summary>Lets go of what earlier tests left to the collector, which would otherwise vanish from the count at any time.</summary>
    internal static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
