using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Starts a model from weights of any provenance: a run, the official release, or single encoders. What weights hold of only one branch starts both; position
/// tables of another grid are resampled; heads and decoders that are not there, or of another size, stay as they were drawn. An encoder fits whole or is
/// refused.
/// </summary>
internal static class StartingWeights
{
    private const string Backbone = ".backbone.", Positions = "pos_embed";
    private const int MostNamed = 4;

    /// <summary>Fills the model, which nothing else has yet taken over; gives what became of its parts, as lines for a person.</summary>
    /// <exception cref="UsageException">The files hold the same encoder, or one that does not fit; nothing was changed.</exception>
    /// <exception cref="FailureException">A file is absent or damaged.</exception>
    public static IReadOnlyList<string> Apply(XkdModel model, IReadOnlyList<string> paths)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var offered = Offered(paths);
        (string[] Names, Tensor Value)[] own = // a tensor that several names share once
        [
            .. StateNames.StateDict(model).GroupBy(entry => entry.Value.Handle).Select(same => (same.Select(entry => entry.Name).ToArray(), same.First().Value)),
        ];
        var unknown = offered.Keys.Except(own.SelectMany(o => o.Names), StringComparer.Ordinal);
        List<string> misfits = [.. unknown.Where(name => name.Contains(Backbone, StringComparison.Ordinal)).Select(name => $"{name} is not part of this model")];
        List<(Tensor To, Tensor Value)> fits = [];
        List<string> taken = [], resampled = [], left = [];
        foreach (var (names, to) in own)
        {
            var from = names.SelectMany(name => Sources(name, offered)).FirstOrDefault();
            var value = from is null || !Dtypes.Loads(from.Dtype) ? null : Fitted(model, names[0], TensorBytes.ToTensor(from).to(ScalarType.Float32), to.shape);
            if (value is null && names.FirstOrDefault(name => Sources(Table(name), offered).Any()) is { } wanted)
            {
                misfits.Add(from is null ? $"{wanted} is missing" : $"{from} does not fit the model's {wanted} [{string.Join(", ", to.shape)}]");
            }

            (value is null ? left : from!.Shape.AsSpan().SequenceEqual(to.shape) ? taken : resampled).Add(names[0]);
            if (value is not null)
            {
                fits.Add((to, value));
            }
        }

        var files = string.Join(", ", paths);
        if (misfits.Count > 0 || fits.Count == 0)
        {
            var more = misfits.Count > MostNamed ? $"; and {misfits.Count - MostNamed} more" : "";
            var named = $"does not fit this model: {string.Join("; ", misfits.Take(MostNamed))}{more}";
            throw new UsageException($"{files} {(misfits.Count > 0 ? named : "holds nothing that this model has")}. Nothing was loaded. "
                + "Set model.encoder, model.video_patch, model.audio_patch and model.class_token to those that the weights were trained with");
        }

        fits.ForEach(fit => fit.To.copy_(fit.Value));
        return
        [
            .. Said($"taken from {files}", taken.Select(Part)), .. Said("resampled to this model's views", resampled),
            .. Said("left as the seed drew them", left.Select(Part)),
        ];
    }

    // By official name. The weights of one encoder stand for both of its branches, see Sources.
    private static Dictionary<string, WeightTensor> Offered(IReadOnlyList<string> paths)
    {
        Dictionary<string, WeightTensor> offered = new(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var imported = WeightImporter.Read(path);
            var prefix = imported.Modality is { } modality ? WeightNames.BackbonePrefix(modality, WeightBranch.Student) : "";
            foreach (var tensor in imported.Tensors)
            {
                if (!offered.TryAdd(prefix + tensor.Name, tensor))
                {
                    throw new UsageException($"{path} holds {prefix}{tensor.Name}, and so does a file named before: name each encoder once");
                }
            }
        }

        return offered;
    }

    // The tensor itself; that of blocks shared with the other modality, where this one's encoder comes without; that of the other branch.
    private static IEnumerable<WeightTensor> Sources(string name, Dictionary<string, WeightTensor> offered)
    {
        foreach (var branch in new[] { name, Swapped(name, "_student.", "_teacher.") })
        {
            var shared = branch.Contains(Backbone + "encoder.", StringComparison.Ordinal) && offered.ContainsKey(Table(branch));
            if (offered.TryGetValue(branch, out var own) || (shared && offered.TryGetValue(Swapped(branch, "vid_", "aud_"), out own)))
            {
                yield return own;
            }
        }
    }

    // The position table of the encoder that a tensor is of: an encoder that is offered has one. Of no encoder: nothing.
    private static string Table(string name) =>
        name.IndexOf(Backbone, StringComparison.Ordinal) is >= 0 and var at ? $"{name[..at]}{Backbone}enc_{Positions}" : "";

    private static string Swapped(string name, string one, string other) => name.Contains(one, StringComparison.Ordinal)
        ? name.Replace(one, other, StringComparison.Ordinal)
        : name.Replace(other, one, StringComparison.Ordinal);

    // The value in the model's shape; null where it has none. A table does not say its grid: it is taken for the released one, else for one that differs from
    // the model's in the size of frames, else in time.
    private static Tensor? Fitted(XkdModel model, string name, Tensor value, long[] shape)
    {
        if (value.shape.AsSpan().SequenceEqual(shape) || !name.EndsWith(Positions, StringComparison.Ordinal) || value.dim() != 3 || value.shape[2] != shape[2])
        {
            return value.shape.AsSpan().SequenceEqual(shape) ? value : null;
        }

        var (config, prefix) = (model.Config, model.Config.Model.ClassToken ? 1 : 0);
        var tokens = (int)value.shape[1] - prefix;
        if (name.StartsWith("vid_", StringComparison.Ordinal))
        {
            var (g, released) = (config.VideoGeometry, new VideoGeometry());
            var grid = g.Grid(g.Frames, g.Height, g.Width);
            var side = (int)Math.Sqrt(tokens / grid.Time);
            VideoGrid[] natives =
            [
                released.Grid(released.Frames, released.Height, released.Width), new(grid.Time, side, side),
                new(tokens / (grid.Rows * grid.Columns), grid.Rows, grid.Columns),
            ];
            return natives.FirstOrDefault(n => n.Tokens == tokens) is { Tokens: > 0 } native ? PositionResampling.Resample(value, prefix, native, grid) : null;
        }

        var (a, published) = (config.AudioGeometry, new AudioGeometry());
        var bands = a.Grid(a.Mels, a.Frames);
        AudioGrid[] spectrograms =
            [published.Grid(published.Mels, published.Frames), new(bands.Bands, tokens / bands.Bands), new(tokens / bands.Time, bands.Time)];
        return spectrograms.FirstOrDefault(n => n.Tokens == tokens) is { Tokens: > 0 } from ? PositionResampling.Resample(value, prefix, from, bands) : null;
    }

    private static string Part(string name) => string.Join('.', name.Split('.')[..^1].Take(2));

    private static string[] Said(string what, IEnumerable<string> names) =>
        names.ToList() is { Count: > 0 and var count } all ? [$"weights: {count} {what}: {string.Join(", ", all.Distinct(StringComparer.Ordinal))}"] : [];
}
