namespace Xkd.Model.Weights;

/// <summary>The globals a PyTorch weight file may name, and what a call to each stands for. Everything else is refused by name.</summary>
internal static class PickleTypes
{
    // Values, not callables: torch.float32 as it stands in a checkpoint's configuration.
    private static readonly HashSet<string> Values = new(
        ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "strided", "preserve_format", "contiguous_format"],
        StringComparer.Ordinal);

    private static readonly Dictionary<string, Func<object?[], object?>> Calls = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = Dict,
        ["collections.defaultdict"] = _ => new PickleDict(),
        ["builtins.dict"] = Dict,
        ["__builtin__.dict"] = Dict,
        ["builtins.set"] = List,
        ["__builtin__.set"] = List,
        ["builtins.frozenset"] = List,
        ["__builtin__.frozenset"] = List,
        ["torch.Size"] = arguments => arguments is [object?[] sizes] ? sizes : throw Malformed("torch.Size"),
        ["torch._utils._rebuild_tensor"] = Tensor,
        ["torch._utils._rebuild_tensor_v2"] = Tensor,
        ["torch._utils._rebuild_parameter"] = arguments => arguments is [PickleTensor tensor, ..] ? tensor : throw Malformed("torch._utils._rebuild_parameter"),
        ["torch.device"] = _ => new PickleOpaque("device"),
        ["collections.Counter"] = _ => new PickleOpaque("Counter"),
        ["argparse.Namespace"] = _ => new PickleOpaque("Namespace"),
        ["numpy.core.multiarray.scalar"] = _ => new PickleOpaque("NumPy scalar"),
        ["numpy._core.multiarray.scalar"] = _ => new PickleOpaque("NumPy scalar"),
        ["numpy.dtype"] = _ => new PickleOpaque("NumPy dtype"),
        ["pathlib.PosixPath"] = _ => new PickleOpaque("path"),
        ["_codecs.encode"] = _ => new PickleOpaque("bytes"),
    };

    /// <summary>The global, once it is known to be harmless.</summary>
    /// <exception cref="PickleFormatException">It is not on the list.</exception>
    public static PickleGlobal Global(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        var known = Calls.ContainsKey(global.FullName) || (module == "torch" && (Dtypes.OfStorage(name) is not null || Values.Contains(name)))
            || global.FullName is "torch.nn.parameter.Parameter" or "torch.Tensor" or "builtins.int" or "builtins.float" or "builtins.list";
        return known
            ? global
            : throw new PickleFormatException($"it names {global.FullName}, which weights never need; a pickle runs what it names, so the file is refused");
    }

    /// <summary>What calling an allowed global with these arguments stands for.</summary>
    /// <exception cref="PickleFormatException">It is not callable, or the arguments are not the expected ones.</exception>
    public static object? Call(PickleGlobal global, object?[] arguments) => Calls.TryGetValue(global.FullName, out var call)
        ? call(arguments)
        : throw new PickleFormatException($"{global.FullName} is called, which is not allowed");

    /// <summary>The storage a persistent id names: ('storage', type, key, device, elements[, view]).</summary>
    /// <exception cref="PickleFormatException">It is anything else.</exception>
    public static PickleStorage Storage(object? id)
    {
        if (id is not object?[] { Length: 5 or 6 } parts
            || parts is not ["storage", PickleGlobal { Module: "torch" } type, string key, string, long elements, ..])
        {
            throw new PickleFormatException("a persistent id does not name a storage");
        }

        PickleFormatException.ThrowIf(
            parts is [.., not null] && parts.Length == 6,
            $"storage {key} is a view of another, as PyTorch wrote before 0.4; save the file again with a later version");
        if (Dtypes.OfStorage(type.Name) is not string dtype)
        {
            throw new PickleFormatException($"storage {key} is of type {type.FullName}, which is not known");
        }

        PickleFormatException.ThrowIf(elements < 0, $"storage {key} declares {elements} elements");
        return new PickleStorage(key, dtype, elements);
    }

    private static PickleDict Dict(object?[] arguments)
    {
        var dict = new PickleDict();
        if (arguments.Length == 0)
        {
            return dict;
        }

        // Python 2 passes the entries as a list of pairs, made for this call. It is emptied, lest a crafted file have one long list copied again and again.
        if (arguments is not [List<object?> pairs])
        {
            throw Malformed("collections.OrderedDict");
        }

        foreach (var pair in pairs)
        {
            var (key, value) = pair switch
            {
                object?[] { Length: 2 } tuple => (tuple[0], tuple[1]),
                List<object?> { Count: 2 } list => (list[0], list[1]),
                _ => throw Malformed("collections.OrderedDict"),
            };
            dict.Items.Add(new(key, value));
        }

        pairs.Clear();
        return dict;
    }

    private static List<object?> List(object?[] arguments) => arguments switch
    {
        [] => [],
        [List<object?> items] => items,
        _ => throw Malformed("set"),
    };

    private static PickleTensor Tensor(object?[] arguments)
    {
        if (arguments is not [PickleStorage storage, long offset, object?[] size, object?[] stride, ..]
            || size.Length > StridedTensor.MostDimensions || size.Length != stride.Length)
        {
            throw Malformed("torch._utils._rebuild_tensor_v2");
        }

        return new PickleTensor(storage, offset, Longs(size), Longs(stride));
    }

    private static long[] Longs(object?[] values) =>
        [.. values.Select(v => v is long number and >= 0 ? number : throw new PickleFormatException("a tensor's size or stride is not a natural number"))];

    private static PickleFormatException Malformed(string name) => new($"{name} is called with arguments it does not take");
}

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
