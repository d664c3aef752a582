namespace Xkd.Model.Tests.Evaluation;

/// <summary>Tests that share one <see cref="EvaluationWorld"/>.</summary>
[CollectionDefinition(nameof(EvaluationWorld))]
public sealed class EvaluationCollection : ICollectionFixture<EvaluationWorld>;
