namespace Xkd.Model.Evaluation;

/// <summary>Parameters that share a learning-rate scale and a weight decay.</summary>
/// <param name="LearningRateScale">The group's rate at a step is schedule[step] times this.</param>
/// <param name="WeightDecay">0 for the exempt.</param>
/// <param name="Parameters">Names, in the model's order.</param>
public sealed record DecayGroup(double LearningRateScale, double WeightDecay, IReadOnlyList<string> Parameters);
