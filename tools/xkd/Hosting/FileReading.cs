namespace Xkd.Cli.Hosting;

/// <summary>How a file that was written is read in Python: what a person wants to know next.</summary>
internal static class FileReading
{
    /// <summary>A command that shows something of the file.</summary>
    /// <param name="path">By its extension.</param>
    public static string Of(string path) => Path.GetExtension(path) switch
    {
        ".parquet" => $"python -c \"import pandas; print(pandas.read_parquet('{path}'))\"",
        ".csv" => $"python -c \"import pandas; print(pandas.read_csv('{path}'))\"",
        ".npy" => $"python -c \"import numpy; print(numpy.load('{path}').shape)\"",
        ".pth" => $"python -c \"import torch; print(list(torch.load('{path}')))\"",
        ".onnx" => $"python -c \"import onnxruntime; print(onnxruntime.InferenceSession('{path}').get_inputs()[0])\"",
        _ => $"python -c \"from safetensors.torch import load_file; print(list(load_file('{path}')))\"",
    };
}
