using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Between encoders, feature files and feature sets.</summary>
public static class FeatureFiles
{
    private const string ModalityKey = "xkd.modality";

    private const string DatasetKey = "xkd.dataset";

    private static readonly string[] MetadataKeys = [ModalityKey, "xkd.branch", "xkd.weights_sha256"];

    /// <summary>Writes the features of every clip of a cache, in the order of the ids. Several labels are joined by <c>;</c>.</summary>
    /// <param name="encoders">Run on every clip; several have their features joined in their order.</param>
    /// <param name="cache">Every clip must have the encoders' modalities.</param>
    /// <param name="path">The file: <c>.parquet</c>, <c>.npy</c> or <c>.csv</c>.</param>
    /// <param name="options">What a row is; null (default): a row a clip, the features [ΣD] of its centre.</param>
    /// <param name="progress">Receives the number of clips done; null (default): nobody.</param>
    /// <param name="stop">Stops between batches; the file is then not written.</param>
    /// <exception cref="UsageException">The cache does not fit the encoders, or the extension is another.</exception>
    public static Task WriteAsync(
        IReadOnlyList<EvaluationEncoder> encoders, Cache cache, string path, FeatureFileOptions? options = null, Action<long>? progress = null,
        CancellationToken stop = default) => OwnThread.RunAsync(() => Write(encoders, cache, path, options ?? new FeatureFileOptions(), progress, stop));

    // The thread is this work's own, and may wait.
    private static void Write(
        IReadOnlyList<EvaluationEncoder> encoders, Cache cache, string path, FeatureFileOptions options, Action<long>? progress, CancellationToken stop)
    {
        var all = new EvaluationSet() { Cache = cache, Clips = [.. Enumerable.Range(0, cache.Clips.Count)], Classes = [], LabelSets = [], Multi = true };
        SvmConfig config = new() { Batch = options.Batch, FrameRule = options.Frames, Test = new TestViewSection { Windows = options.Windows ?? 1 } };
        var views = EvaluationViews.Test(config, encoders, all) with { Cover = options.Windows is null };
        var (timed, width) = (options.Windows is null || options.Tokens, encoders.Sum(e => e.Width));
        FeatureLayout layout = new(options.Tokens ? [encoders[0].Network.NativeTokens, width] : [width], timed, Metadata(encoders, cache));
        var writer = layout.OpenAsync(path).GetAwaiter().GetResult();
        try
        {
            var sum = new float[layout.Dim];
            var (clip, window) = (0, 0);
            EncoderFeatures.ForEachBatch(cache, views, batch =>
            {
                var rows = options.Tokens ? EncoderFeatures.Tokens(encoders[0], batch) : EncoderFeatures.Vectors(encoders, batch, unitLength: false);
                for (var i = 0; i < batch.Size; i++)
                {
                    var (entry, row) = (cache.Clips[clip], rows.AsMemory(i * layout.Dim, layout.Dim));
                    var last = ++window == views.WindowsOf(entry);
                    if (timed)
                    {
                        Append(entry, row, views.TimeOf(entry, window - 1));
                    }
                    else
                    {
                        for (var d = 0; d < sum.Length; d++)
                        {
                            sum[d] += row.Span[d] / views.Windows;
                        }
                    }

                    if (last && !timed)
                    {
                        Append(entry, sum, default);
                        Array.Clear(sum);
                    }

                    (clip, window) = last ? (clip + 1, 0) : (clip, window);
                }

                progress?.Invoke(clip);
            }, stop);
            writer.CommitAsync().GetAwaiter().GetResult();
        }
        finally
        {
            writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        void Append(ClipEntry clip, ReadOnlyMemory<float> vector, (double Start, double End) time)
        {
            var label = clip.Label ?? (clip.Labels.Count > 0 ? string.Join(';', clip.Labels) : null);
            writer.AppendAsync(clip.Id, label, vector, time).AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>A whole file as a feature set of one window a clip.</summary>
    /// <param name="path">The Parquet file.</param>
    /// <param name="most">Rows it may have.</param>
    /// <param name="stop">Stops between row groups.</param>
    /// <exception cref="UsageException">It has more rows.</exception>
    public static async Task<FeatureSet> ReadAllAsync(string path, int most, CancellationToken stop)
    {
        await using var file = await FeatureFile.OpenAsync(path);
        if (file.Rows > most)
        {
            throw new UsageException(
                $"{path} has {file.Rows} rows; at most {most} are held in memory, and a part of them would score otherwise: "
                + "extract the features of fewer clips");
        }

        return await ReadFirstAsync(path, most, stop);
    }

    /// <summary>A file's first rows as a feature set of one window a clip.</summary>
    /// <param name="path">The Parquet file.</param>
    /// <param name="most">Rows taken at most.</param>
    /// <param name="stop">Stops between row groups.</param>
    public static async Task<FeatureSet> ReadFirstAsync(string path, int most, CancellationToken stop)
    {
        await using var file = await FeatureFile.OpenAsync(path);
        List<string> ids = [];
        List<string?> labels = [];
        var vectors = new float[Math.Min(most, file.Rows) * file.Dim];
        await foreach (var block in file.ReadAsync(stop))
        {
            var rows = Math.Min(block.Rows, most - ids.Count);
            block.Vectors[..(rows * file.Dim)].CopyTo(vectors.AsMemory(ids.Count * file.Dim));
            ids.AddRange(block.Ids.Take(rows));
            labels.AddRange(block.Labels.Take(rows));
            if (ids.Count == most)
            {
                break;
            }
        }

        string[] classes = [.. labels.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return new FeatureSet
        {
            Ids = ids,
            Labels = [.. labels.Select(l => l is null ? -1 : Array.BinarySearch(classes, l, StringComparer.Ordinal))],
            ClassNames = classes,
            Windows = 1,
            Dim = file.Dim,
            Vectors = vectors,
        };
    }

    /// <summary>Refuses features that cannot be compared: of other lengths, or, as far as the files say, of other encoders.</summary>
    /// <exception cref="UsageException">What differs, of both.</exception>
    public static void RequireSameEncoder(FeatureFile one, FeatureFile other)
    {
        if (one.Dim != other.Dim)
        {
            throw new UsageException($"{one.Path} has vectors of {one.Dim} numbers and {other.Path} of {other.Dim}; extract both with the same weights");
        }

        foreach (var key in MetadataKeys)
        {
            if (one.Metadata.TryGetValue(key, out var here) && other.Metadata.TryGetValue(key, out var there) && here != there)
            {
                throw new UsageException(
                    $"{one.Path} and {other.Path} are of different encoders ({key["xkd.".Length..]} {here} and {there}); "
                    + "extract both with the same weights, modality and branch");
            }
        }
    }

    /// <inheritdoc cref="RequireSameEncoder"/>
    public static async Task RequireSameEncoderAsync(FeatureFile one, string other)
    {
        await using var file = await FeatureFile.OpenAsync(other);
        RequireSameEncoder(one, file);
    }

    /// <summary>Refuses features of another modality, where the file says which.</summary>
    /// <exception cref="UsageException">It is another.</exception>
    public static async Task RequireModalityAsync(string path, string modality)
    {
        await using var file = await FeatureFile.OpenAsync(path);
        if (file.Metadata.TryGetValue(ModalityKey, out var said) && said != modality)
        {
            throw new UsageException($"{path} holds {said} features, not {modality}; name the {modality} features of the same clips");
        }
    }

    /// <summary>What must be said of a score whose test rows were trained on or searched; null where none was.</summary>
    /// <param name="shared">Test rows that are rows of the other file, too.</param>
    /// <param name="rows">Test rows.</param>
    public static string? SharedRows(int shared, int rows) =>
        shared == 0 ? null : $"{shared} of {rows} test rows are training rows, too: the value says little of new clips";

    /// <summary>What a result on a feature file is of, as far as the file says.</summary>
    public static async Task<EvaluationResult> IdentityAsync(string path, string protocol, string dataset)
    {
        await using var file = await FeatureFile.OpenAsync(path);
        string Said(string key) => file.Metadata.TryGetValue("xkd." + key, out var value) ? value : string.Empty;
        var held = Said("dataset") is { Length: > 0 } own ? own : dataset;
        return new EvaluationResult
        {
            Dataset = held,
            Config = dataset,
            Protocol = protocol,
            Modality = Said("modality"),
            Branch = Said("branch"),
            WeightsSha256 = Said("weights_sha256"),
            Notes = EvaluationSets.Foreign(dataset, held) is { } note ? [note] : null,
        };
    }

    private static Dictionary<string, string> Metadata(IReadOnlyList<EvaluationEncoder> encoders, Cache cache) => new(StringComparer.Ordinal)
    {
        [DatasetKey] = EvaluationSets.DatasetOf(cache) ?? "",
        [ModalityKey] = encoders.Count > 1 ? "av" : encoders[0].Modality == WeightModality.Video ? "video" : "audio",
        ["xkd.branch"] = encoders[0].Branch == WeightBranch.Teacher ? "teacher" : "student",
        ["xkd.weights_sha256"] = string.Join('+', encoders.Select(e => e.WeightsSha256).Distinct(StringComparer.Ordinal)),
    };
}

/// <summary>What a row of a feature file is.</summary>
public sealed record FeatureFileOptions
{
    /// <summary>A row a clip: the mean of so many windows, evenly spaced. Null: a row a window with its time, as many as cover the clip. Default 1.</summary>
    public int? Windows { get; init; } = 1;

    /// <summary>A row a window, and of it the vector of every patch [tokens, features] in place of their mean; of one encoder. Default false.</summary>
    public bool Tokens { get; init; }

    /// <summary>Windows per forward pass. Default 16.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Which rule the cached frames must have been made by. Default on screen.</summary>
    public FrameRule Frames { get; init; } = FrameRule.OnScreen;
}
