using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>All or nothing: a set of weights either is exactly the target's or is refused.</summary>
public static class WeightMatch
{
    private const int MostNamed = 8;

    /// <summary>The tensors by name, once each of <paramref name="target"/> is there with its shape and nothing else is.</summary>
    /// <param name="source">What the tensors came from, for the message.</param>
    /// <param name="tensors">The tensors offered.</param>
    /// <param name="target">Name → shape of every parameter and buffer to fill.</param>
    /// <exception cref="UsageException">Some are missing, unexpected or of another shape; the message lists them.</exception>
    public static IReadOnlyDictionary<string, WeightTensor> Require(string source, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, long[]> target)
    {
        Dictionary<string, WeightTensor> byName = new(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!byName.TryAdd(tensor.Name, tensor))
                throw new UsageException($"{source} does not fit: two of its tensors become {tensor.Name}");
        }

        List<string> complaints = [];
        Complain(complaints, "missing", target.Keys.Where(name => !byName.ContainsKey(name)));
        Complain(complaints, "unexpected", byName.Keys.Where(name => !target.ContainsKey(name)));
        Complain(complaints, "of a type that libtorch has not", tensors.Where(tensor => tensor.Dtype is "U16" or "U32" or "U64").Select(tensor => $"{tensor.Name} {tensor.Dtype}"));
        Complain(complaints, "mis-shaped", target
            .Where(pair => byName.TryGetValue(pair.Key, out var tensor) && !tensor.Shape.AsSpan().SequenceEqual(pair.Value))
            .Select(pair => $"{pair.Key} is [{string.Join(", ", byName[pair.Key].Shape)}], needed [{string.Join(", ", pair.Value)}]"));
        return complaints.Count == 0
            ? byName
            : throw new UsageException($"{source} does not fit this model, nothing was loaded: {string.Join("; ", complaints)}. Use the configuration the weights were trained with.");
    }

    private static void Complain(List<string> complaints, string kind, IEnumerable<string> names)
    {
        var list = names.ToList();
        if (list.Count > 0)
            complaints.Add($"{list.Count} {kind} ({string.Join(", ", list.Take(MostNamed))}{(list.Count > MostNamed ? ", …" : "")})");
    }
}
