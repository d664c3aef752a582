using System.Text.Json;
using Xkd.Model.Configuration;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>What is known of an encoder beside its tensors: a run's configuration says it, and so does an exported file, in its metadata.</summary>
public static class EncoderDescription
{
    private const string MetadataKey = "xkd.encoder";

    /// <summary>Of a run that trained it.</summary>
    public static EncoderSection Of(PretrainConfig config, double melMean, double melStd) => new()
    {
        Heads = config.Model.Encoder.Heads,
        Fps = config.Data.Fps,
        Frames = config.Data.GlobalFrames,
        Size = config.Data.GlobalSize,
        VideoPatch = config.Model.VideoPatch,
        Mels = config.Data.Mels,
        MelFrames = config.Data.GlobalMelFrames,
        AudioPatch = config.Model.AudioPatch,
        MelMean = melMean,
        MelStd = melStd,
    };

    /// <summary>Of a run folder, a checkpoint in one, or an export; null where the weights come without.</summary>
    /// <exception cref="UsageException">A run folder that is not whole.</exception>
    public static EncoderSection? Find(string path)
    {
        string? folder = new[] { path, Path.Combine(path, "..", "..") }.FirstOrDefault(p => Directory.Exists(path) && new RunFolder(p).HasRun);
        if (folder is not null)
        {
            var run = new RunFolder(folder);
            RunOrigin origin = run.ReadOrigin() ?? throw new UsageException($"{folder} has no run.json; it is not a whole run folder");
            return Of(run.ReadConfig(), origin.MelMean, origin.MelStd);
        }

        return File.Exists(path) && Metadata(path).TryGetValue(MetadataKey, out string? text) ? Parse(path, text) : null;
    }

    private static EncoderSection Parse(string file, string text)
    {
        string problem;
        try
        {
            EncoderSection? said = JsonSerializer.Deserialize<EncoderSection>(text);
            problem = said is null ? "it is null" : string.Join("; ", ConfigBinder.OutOfRange(said));
            if (said is not null && problem.Length == 0)
            {
                return said;
            }
        }
        catch (JsonException e)
        {
            problem = e.Message;
        }

        throw new FailureException($"{file}: its metadata {MetadataKey} makes no sense: {problem}; export the weights again");
    }

    private static IReadOnlyDictionary<string, string> Metadata(string file)
    {
        if (!file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return PickleReader.Metadata(file);
        }

        using SafetensorsFile safetensors = SafetensorsFile.Open(file);
        return safetensors.Metadata;
    }

    /// <summary>As metadata of an exported file.</summary>
    public static IReadOnlyDictionary<string, string> ToMetadata(EncoderSection description) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { [MetadataKey] = JsonSerializer.Serialize(description) };
}
