using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>Writes weights for others: safetensors, or a <c>.pth</c> state dict that PyTorch loads (<c>strict=True</c>, <c>weights_only=True</c>).</summary>
public static class WeightExporter
{
    /// <summary>Writes <paramref name="tensors"/> to <paramref name="path"/> atomically, in the format its extension names.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="tensors">What.</param>
    /// <param name="metadata">Kept in a safetensors file's header, or in a <c>.pth</c> as texts of the state dict's <c>_metadata</c>.</param>
    /// <exception cref="UsageException">The extension is neither <c>.safetensors</c> nor <c>.pth</c>.</exception>
    /// <exception cref="FailureException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        switch (Path.GetExtension(path))
        {
            case ".safetensors":
                SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { ["format"] = "pt" });
                break;
            case ".pth":
                WriteStateDict(path, tensors, metadata ?? new Dictionary<string, string>());
                break;
            default:
                throw new UsageException($"{path}: the extension must be .safetensors or .pth");
        }
    }

    private static void WriteStateDict(string path, IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        if (tensors.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"two tensors are named {twice.Key}");
        }

        try
        {
            AtomicFile.Write(path, stream =>
            {
                const string Root = "archive";
                using var zip = new StoredZipWriter(stream);
                zip.Add($"{Root}/data.pkl", PickleWriter.StateDict(tensors, metadata));
                zip.Add($"{Root}/byteorder", "little"u8);
                for (var i = 0; i < tensors.Count; i++)
                {
                    zip.Add($"{Root}/data/{i}", tensors[i].Checked().Data.Span);
                }

                zip.Add($"{Root}/version", "3\n"u8);
                zip.Finish();
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }
}
