namespace Xkd.Model.Weights;

/// <summary>The content of a weight file under canonical names.</summary>
public sealed record ImportedWeights
{
    /// <summary>The file read, for messages.</summary>
    public required string Source { get; init; }

    /// <summary>SHA-256 of the file, lower-case hexadecimal: what <c>results.json</c> calls <c>weights_sha256</c>.</summary>
    public required string Sha256 { get; init; }

    /// <summary>The encoder these weights belong to; null for a whole pre-training model.</summary>
    public required WeightModality? Modality { get; init; }

    /// <summary>The tensors, in the file's order and types.</summary>
    public required IReadOnlyList<WeightTensor> Tensors { get; init; }

    /// <summary>Names left behind on purpose: heads of an encoder's file, and in a whole model what is not the encoder wanted.</summary>
    public required IReadOnlyList<string> Dropped { get; init; }

    /// <summary>These weights by name, once they are exactly those of a target: none missing, none besides, every shape the same.</summary>
    /// <param name="target">Name → shape of every parameter and buffer to fill.</param>
    /// <exception cref="Xkd.Storage.UsageException">They are not; the message lists what differs. Nothing is to be loaded then.</exception>
    public IReadOnlyDictionary<string, WeightTensor> Matching(IReadOnlyDictionary<string, long[]> target) => WeightMatch.Require(Source, Tensors, target);
}
