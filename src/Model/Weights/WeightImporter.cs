using System.Security.Cryptography;
using Xkd.Model.Method;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Weights;

/// <summary>
/// Reads weights of any provenance (<c>.pth</c>, <c>.pth.tar</c>, <c>.pt</c>, <c>.safetensors</c>; the official release, a run's checkpoint, an export of
/// ours; pre-training or evaluation spelling; wrapped in data-parallel prefixes) into canonical names.
/// </summary>
public static class WeightImporter
{
    // Wrappers that put a prefix on every name: data-parallel training, torch.compile, a classifier around its encoder.
    private static readonly string[] Wrappers = ["module.", "_orig_mod.", "model.", "backbone."];

    // A projector or classifier beside the encoder; evaluation builds its own.
    private static readonly string[] Heads = ["head.", "fc.", "classifier."];

    /// <summary>Reads a file, or the newest whole checkpoint of a run where <paramref name="path"/> is a run's folder.</summary>
    /// <exception cref="FailureException">The file is damaged or of another format.</exception>
    /// <exception cref="UsageException">It is absent, or holds no weights of the encoder asked for.</exception>
    public static ImportedWeights Read(string path, WeightImportOptions? options = null)
    {
        var file = Resolve(path);
        options ??= new WeightImportOptions();
        List<string> dropped = [];
        var tensors = Strip(ReadTensors(file, options, dropped, out var isBackbone));
        RequireValues(file, tensors);
        var modality = options.Modality;
        if (!isBackbone && WeightNames.IsWholeModel(tensors.Select(tensor => tensor.Name)))
        {
            if (modality is { } wanted)
            {
                var prefix = WeightNames.BackbonePrefix(wanted, options.Branch);
                throw new UsageException($"{file} is a pre-training model without {prefix}*: choose the other branch or modality");
            }
        }
        else if (!isBackbone && options is { AnyTensors: true, Modality: null } && WeightNames.Detect(tensors) is null)
        {
            return new ImportedWeights { Source = file, Sha256 = Hash(file), Modality = null, Tensors = tensors, Dropped = dropped };
        }
        else if (!isBackbone)
        {
            var detected = WeightNames.Detect(tensors)
                ?? throw new UsageException($"{file} holds no encoder: none of its {tensors.Count} tensors is a patch embedding "
                    + $"({string.Join(", ", tensors.Take(4).Select(t => t.Name))}…)");
            RefuseOther(file, tensors, modality, detected);
            modality ??= detected;
            dropped.AddRange(tensors.Where(IsHead).Select(tensor => tensor.Name));
            tensors = [.. tensors.Where(tensor => !IsHead(tensor)).Select(t => t with { Name = WeightNames.ToCanonical(t.Name, modality.Value) })];
            if (tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw new UsageException($"{file} does not fit: two of its tensors become {twice.Key}; write it again with one of them");
            }
        }

        return new ImportedWeights { Source = file, Sha256 = Hash(file), Modality = modality, Tensors = tensors, Dropped = dropped };
    }

    /// <summary>The weight file a path means: itself, a checkpoint's model, or the model of a run's newest whole checkpoint.</summary>
    /// <exception cref="UsageException">It is absent, or a folder without weights.</exception>
    /// <exception cref="FailureException">It is a broken checkpoint, or a run whose checkpoints are all broken.</exception>
    public static string Resolve(string path)
    {
        if (!Directory.Exists(path))
        {
            return File.Exists(path) ? path : throw new UsageException($"{path} does not exist: name a run, a checkpoint, or a file of weights");
        }

        var model = Path.Combine(path, CheckpointStore.ModelFile);
        if (File.Exists(model))
        {
            RequireWhole(path);
            return model;
        }

        using var checkpoint = new CheckpointStore(path).OpenLatest();
        checkpoint?.RequireTrained(path);
        return checkpoint?.Model.Path
            ?? throw new UsageException($"{path} holds no weights: name a .pth, .pth.tar or .safetensors file, a checkpoint, or a run that has one");
    }

    // What no network can compute with is found here, whatever it is for.
    private static void RequireValues(string file, List<WeightTensor> tensors)
    {
        if (tensors.Count == 0)
        {
            throw new FailureException($"{file} holds no tensor: name another file, or write this one again");
        }

        if (tensors.FirstOrDefault(tensor => tensor.Data.Length == 0) is { } empty)
        {
            throw new FailureException($"{file}: the tensor {empty} has no values: write the file again");
        }

        if (tensors.FirstOrDefault(tensor => !FiniteValues.Only(tensor)) is { } broken)
        {
            throw new FailureException($"{file}: the tensor {broken} has values that are not finite: take weights of an earlier step");
        }
    }

    // As a run's newest one is: a flipped bit would be evaluated without a word.
    private static void RequireWhole(string checkpoint)
    {
        if (!File.Exists(Path.Combine(checkpoint, CheckpointStore.StateFile)))
        {
            return;
        }

        try
        {
            CheckpointVerifier.RequireFile(checkpoint, CheckpointStore.ModelFile);
        }
        catch (FailureException e)
        {
            throw new FailureException($"checkpoint {checkpoint} is broken: {e.Message}; name the run, which falls back to the one before", e);
        }
    }

    // The file's tensors, or of a whole model just the encoder wanted, then under canonical names.
    private static IReadOnlyList<WeightTensor> ReadTensors(string file, WeightImportOptions options, List<string> dropped, out bool isBackbone)
    {
        if (!file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            var all = PickleReader.Read(file);
            var byName = all.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
            var wanted = Wanted(byName.Keys, options, dropped);
            isBackbone = wanted.Count > 0;
            return isBackbone ? [.. wanted.Select(name => byName[name.Stored] with { Name = name.Canonical })] : all;
        }

        // A whole model is some ten times the one encoder wanted: leave the rest on the disk.
        using var safetensors = SafetensorsFile.Open(file);
        var names = Wanted([.. safetensors.Entries.Keys], options, dropped);
        isBackbone = names.Count > 0;
        return isBackbone ? [.. names.Select(name => safetensors.Read(name.Stored) with { Name = name.Canonical })] : safetensors.ReadAll();
    }

    private static IReadOnlyList<(string Stored, string Canonical)> Wanted(IReadOnlyCollection<string> names, WeightImportOptions options, List<string> dropped)
    {
        if (options.Modality is not { } modality)
        {
            return [];
        }

        var wanted = WeightNames.OfBackbone(names, modality, options.Branch);
        if (wanted.Count > 0)
        {
            dropped.AddRange(names.Except(wanted.Select(name => name.Stored), StringComparer.Ordinal));
        }

        return wanted;
    }

    private static List<WeightTensor> Strip(IReadOnlyList<WeightTensor> tensors)
    {
        List<WeightTensor> stripped = [.. tensors];
        while (stripped.Count > 0 && Wrappers.FirstOrDefault(Wraps) is { } prefix)
        {
            stripped = [.. stripped.Select(t => t.Name.StartsWith(prefix, StringComparison.Ordinal) ? t with { Name = t.Name[prefix.Length..] } : t)];
        }

        return stripped;

        bool Wraps(string prefix) => stripped.Any(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
            && stripped.All(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal) || (prefix == "backbone." && IsHead(tensor)));
    }

    private static void RefuseOther(string file, List<WeightTensor> tensors, WeightModality? wanted, WeightModality detected)
    {
        // Evaluation's spelling does not tell surely (see Detect), so only pre-training's may contradict the caller.
        var sure = detected == WeightModality.Video
            ? tensors.Any(tensor => tensor.Name.StartsWith("cuboid_embed.", StringComparison.Ordinal))
            : tensors.Any(tensor => tensor.Name is "enc_pos_embed" || tensor.Name.StartsWith("encoder.", StringComparison.Ordinal));
        if (sure && wanted is { } modality && modality != detected)
        {
            throw new UsageException($"{file} holds {Name(detected)} weights, {Name(modality)} ones are asked for: name the other file or modality");
        }
    }

    private static string Name(WeightModality modality) => modality.ToString().ToLowerInvariant();

    private static bool IsHead(WeightTensor tensor) => Heads.Any(head => tensor.Name.StartsWith(head, StringComparison.Ordinal));

    /// <summary>SHA-256 of the weight file that a path means, lower-case hexadecimal.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    internal static string Hash(string path)
    {
        using var stream = File.OpenRead(Resolve(path));
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}

/// <summary>What to take from a weight file.</summary>
public sealed record WeightImportOptions
{
    /// <summary>The encoder wanted. Default null: told from the weights; a whole pre-training model is then taken as it is.</summary>
    public WeightModality? Modality { get; init; }

    /// <summary>Which copy of the encoder, where the file holds a whole pre-training model. Default teacher.</summary>
    public WeightBranch Branch { get; init; } = WeightBranch.Teacher;

    /// <summary>Take a file that holds no encoder as it is, every tensor under its own name, instead of refusing it. Default false.</summary>
    public bool AnyTensors { get; init; }
}

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
}

/// <summary>All or nothing: a set of weights either is exactly the target's or is refused.</summary>
internal static class WeightMatch
{
    private const int MostNamed = 8;

    /// <summary>The tensors by name, once each of <paramref name="target"/> is there with its shape and nothing else is.</summary>
    /// <param name="source">What the tensors came from, for the message.</param>
    /// <param name="tensors">The tensors offered.</param>
    /// <param name="target">Name → shape of every parameter and buffer to fill.</param>
    /// <exception cref="UsageException">Some are missing, unexpected or of another shape; the message lists them.</exception>
    public static IReadOnlyDictionary<string, WeightTensor> Require(
        string source, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, long[]> target)
    {
        Dictionary<string, WeightTensor> byName = new(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!byName.TryAdd(tensor.Name, tensor))
            {
                throw new UsageException($"{source} does not fit: two of its tensors become {tensor.Name}");
            }
        }

        List<string> complaints = [];
        Complain(complaints, "missing", target.Keys.Where(name => !byName.ContainsKey(name)));
        Complain(complaints, "unexpected", byName.Keys.Where(name => !target.ContainsKey(name)));
        Complain(complaints, "of a type that libtorch has not", tensors.Where(t => !Dtypes.Loads(t.Dtype)).Select(t => $"{t.Name} {t.Dtype}"));
        Complain(complaints, "mis-shaped", target
            .Where(pair => byName.TryGetValue(pair.Key, out var tensor) && !tensor.Shape.AsSpan().SequenceEqual(pair.Value))
            .Select(pair => $"{pair.Key} is [{string.Join(", ", byName[pair.Key].Shape)}], needed [{string.Join(", ", pair.Value)}]"));
        return complaints.Count == 0
            ? byName
            : throw new UsageException($"{source} does not fit this model, nothing was loaded: {string.Join("; ", complaints)}. "
                + "Use the configuration the weights were trained with.");
    }

    /// <summary>Fills a module's tensors under their official names; a tensor that two names share is stored once, under the first.</summary>
    /// <exception cref="UsageException">As of <see cref="Require"/>; nothing is loaded then.</exception>
    internal static void Load(nn.Module module, string source, IReadOnlyList<WeightTensor> tensors)
    {
        HashSet<nint> seen = [];
        var own = StateNames.StateDict(module).Where(e => seen.Add(e.Value.Handle)).ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
        foreach (var (name, tensor) in Require(source, tensors, own.ToDictionary(e => e.Key, e => e.Value.shape, StringComparer.Ordinal)))
        {
            TensorBytes.CopyTo(tensor, own[name]);
        }
    }

    private static void Complain(List<string> complaints, string kind, IEnumerable<string> names)
    {
        var list = names.ToList();
        if (list.Count > 0)
        {
            complaints.Add($"{list.Count} {kind} ({string.Join(", ", list.Take(MostNamed))}{(list.Count > MostNamed ? ", …" : "")})");
        }
    }
}
