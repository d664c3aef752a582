namespace Xkd.Ingest.Tests;

/// <summary>Tests that count the open handles of the whole process: nothing else may run beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
