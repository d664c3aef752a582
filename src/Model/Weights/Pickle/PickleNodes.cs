namespace Xkd.Model.Weights;

/// <summary>A global a pickle names. Never looked up, never called: it only tells what was meant.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public string FullName => $"{Module}.{Name}";
}

/// <summary>A dict or OrderedDict in the order of its entries; a key set twice is there twice.</summary>
internal sealed class PickleDict
{
    public List<KeyValuePair<object?, object?>> Items { get; } = [];

    /// <summary>The texts of an OrderedDict's <c>_metadata</c>, in which PyTorch keeps version numbers by module.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);
}

/// <summary>A list or set.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>An object of an allowed kind whose content does not matter to weights (a device, a NumPy scalar, the arguments of a run).</summary>
internal sealed record PickleOpaque(string Kind);

/// <summary>A storage by its key in the file.</summary>
/// <param name="Key">Name of the storage's record.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Elements">Number of elements the pickle declares.</param>
internal sealed record PickleStorage(string Key, string Dtype, long Elements);

/// <summary>A tensor as a view of a storage; offset and strides count elements.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Size, long[] Stride)
{
    public long Elements => Size.Aggregate(1L, (product, size) => checked(product * size));
}
