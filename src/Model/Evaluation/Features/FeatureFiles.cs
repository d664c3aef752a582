using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Between encoders, feature files and feature sets.</summary>
public static class FeatureFiles
{
    private const string ModalityKey = "xkd.modality";

    private static readonly string[] MetadataKeys = [ModalityKey, "xkd.branch", "xkd.weights_sha256"];

    /// <summary>
    /// Writes the features of every clip of a cache, the mean of its windows, in the order of the ids. Several labels are joined by <c>;</c>.
    /// </summary>
    /// <param name="encoder">Runs on every clip.</param>
    /// <param name="cache">Every clip must have the encoder's modality.</param>
    /// <param name="path">The Parquet file.</param>
    /// <param name="windows">Windows a clip, evenly spaced.</param>
    /// <param name="batch">Windows per forward pass.</param>
    /// <param name="progress">Receives the number of clips done.</param>
    /// <param name="stop">Stops between batches; the file is then not written.</param>
    /// <param name="frames">Which rule the cached frames must have been made by.</param>
    /// <exception cref="UsageException">The cache does not fit the encoder.</exception>
    public static Task WriteAsync(
        EvaluationEncoder encoder, Cache cache, string path, int windows, int batch, Action<long> progress, CancellationToken stop,
        FrameRule frames = FrameRule.OnScreen)
    {
        var config = new SvmConfig { Batch = batch, FrameRule = frames, Test = new TestViewSection { Windows = windows } };
        return OwnThread.RunAsync(() => Write(encoder, cache, path, config, progress, stop));
    }

    // The thread is this work's own, and may wait.
    private static void Write(EvaluationEncoder encoder, Cache cache, string path, SvmConfig config, Action<long> progress, CancellationToken stop)
    {
        var all = new EvaluationSet() { Cache = cache, Clips = [.. Enumerable.Range(0, cache.Clips.Count)], Classes = [], LabelSets = [], Multi = true };
        var windows = config.Test.Windows;
        var writer = FeatureFileWriter.CreateAsync(path, encoder.Width, Metadata(encoder)).GetAwaiter().GetResult();
        try
        {
            var mean = new float[encoder.Width];
            long row = 0;
            EncoderFeatures.ForEachBatch(cache, EvaluationViews.Test(config, [encoder], all), views =>
            {
                var vectors = EncoderFeatures.Vectors([encoder], views, unitLength: false);
                for (var i = 0; i < views.Size; i++, row++)
                {
                    for (var d = 0; d < mean.Length; d++)
                    {
                        mean[d] += vectors[(i * mean.Length) + d] / windows;
                    }

                    if (row % windows == windows - 1)
                    {
                        var clip = cache.Clips[(int)views.ClipIndices[i]];
                        var label = clip.Label ?? (clip.Labels.Count > 0 ? string.Join(';', clip.Labels) : null);
                        writer.AppendAsync(clip.Id, label, mean).AsTask().GetAwaiter().GetResult();
                        Array.Clear(mean);
                    }
                }

                progress(row / windows);
            }, stop);
            writer.CommitAsync().GetAwaiter().GetResult();
        }
        finally
        {
            writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
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
        return new EvaluationResult
        {
            Dataset = dataset, Protocol = protocol, Modality = Said("modality"), Branch = Said("branch"), WeightsSha256 = Said("weights_sha256"),
        };
    }

    private static Dictionary<string, string> Metadata(EvaluationEncoder encoder) => new(StringComparer.Ordinal)
    {
        [ModalityKey] = encoder.Modality == WeightModality.Video ? "video" : "audio",
        ["xkd.branch"] = encoder.Branch == WeightBranch.Teacher ? "teacher" : "student",
        ["xkd.weights_sha256"] = encoder.WeightsSha256,
    };
}
