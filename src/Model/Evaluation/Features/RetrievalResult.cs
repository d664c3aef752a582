namespace Xkd.Model.Evaluation;

/// <summary>Quality of one direction of retrieval.</summary>
/// <param name="Recall">Share of queries with a right clip among the first k, percent, by k.</param>
/// <param name="MedianRank">Median over queries of the best right clip's rank; 1 is best.</param>
/// <param name="Queries">Queries that had something to find.</param>
public sealed record RetrievalResult(IReadOnlyDictionary<int, double> Recall, double MedianRank, int Queries);
