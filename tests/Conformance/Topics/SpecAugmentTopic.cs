using System.Text.Json;
using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>Resize-crop, time warp and masks of spectrograms with the random choices given.</summary>
internal sealed class SpecAugmentTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics { get; } = ["spec_augment"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        JsonElement config = golden.Config;
        long[] shape = golden.Shape("in/spec");
        int mels = (int)shape[^2];
        int canvasHeight = config.GetProperty("canvas")[0].GetInt32(), canvasWidth = config.GetProperty("canvas")[1].GetInt32();
        var spectrogram = new Spectrogram();
        foreach (JsonProperty crop in Cases(config, "crops"))
        {
            float[] values = golden.Floats("in/spec");
            var box = new CropBox(Int(crop, "i"), Int(crop, "j"), Int(crop, "h"), Int(crop, "w"));
            SpectrogramCrop drawn = new(canvasHeight, canvasWidth, box);
            spectrogram.ResizeCrop(values, mels, drawn);
            Close(crop.Name, values, new SpectrogramViewAugmentation { ResizeCrop = drawn });
        }
        foreach (JsonProperty warp in Cases(config, "warps"))
        {
            float[] values = golden.Floats("in/spec");
            TimeWarp drawn = new(Int(warp, "center"), Int(warp, "warped"));
            spectrogram.Warp(values, mels, drawn);
            Close(warp.Name, values, new SpectrogramViewAugmentation { Warp = drawn });
        }
        foreach (JsonProperty mask in Cases(config, "masks"))
        {
            float[] values = golden.Floats("in/spec");
            bool time = mask.Value.GetProperty("dim").GetString() == "time";
            int[] lengths = Ints(mask, "lengths"), positions = Ints(mask, "positions");
            MaskFill fill = mask.Value.GetProperty("fill").GetString()!.StartsWith("zero", StringComparison.Ordinal) ? MaskFill.Zero : MaskFill.Mean;
            SpectrogramMask[] drawn = [.. lengths.Zip(positions, (length, at) => new SpectrogramMask(time, at, length))];
            Spectrogram.Mask(values, mels, drawn, fill);
            Close(mask.Name, values, new SpectrogramViewAugmentation { Masks = drawn, MaskFill = fill });
        }

        // Both kernels: the one on the CPU, and the batched one.
        void Close(string name, float[] values, SpectrogramViewAugmentation view)
        {
            check.Close("out/" + name, values, shape);
            check.Close("out/" + name, BatchKernels.Spectrogram(golden, golden.Floats("in/spec"), mels, view));
        }
    }

    private static IEnumerable<JsonProperty> Cases(JsonElement config, string kind) =>
        config.TryGetProperty(kind, out JsonElement cases) ? cases.EnumerateObject() : Enumerable.Empty<JsonProperty>();

    private static int Int(JsonProperty owner, string name) => owner.Value.GetProperty(name).GetInt32();

    private static int[] Ints(JsonProperty owner, string name) => [.. owner.Value.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];
}
