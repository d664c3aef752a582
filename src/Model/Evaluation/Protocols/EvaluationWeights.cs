using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Which of the weights named is a modality's.</summary>
public static class EvaluationWeights
{
    /// <summary>The only one, or of several the first that holds the modality's encoder.</summary>
    /// <exception cref="UsageException">None does.</exception>
    public static string For(IReadOnlyList<string> weights, WeightModality modality)
    {
        if (weights.Count == 1)
        {
            return weights[0];
        }

        List<string> refused = [];
        foreach (string path in weights)
        {
            try
            {
                // Told from the weights: a file of the other modality is refused here.
                WeightModality? held = WeightImporter.Read(path).Modality;
                if (held is null || held == modality)
                {
                    return path;
                }

                refused.Add($"{path} is of {held.Value.ToString().ToLowerInvariant()}");
            }
            catch (UsageException e)
            {
                refused.Add(e.Message);
            }
        }

        throw new UsageException($"no --weights for {modality.ToString().ToLowerInvariant()}: {string.Join("; ", refused)}");
    }
}
