namespace Xkd.Model.Tests.Evaluation;

/// <summary>
/// Tests that share one <see cref="EvaluationWorld"/>. Nothing runs beside them: dropout draws from libtorch's generator, of which there is one in a process.
/// </summary>
[CollectionDefinition(nameof(EvaluationWorld), DisableParallelization = true)]
public sealed class EvaluationCollection : ICollectionFixture<EvaluationWorld>;
