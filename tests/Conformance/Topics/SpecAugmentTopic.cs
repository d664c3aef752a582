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
            spectrogram.ResizeCrop(values, mels, new SpectrogramCrop(canvasHeight, canvasWidth, box));
            check.Close("out/" + crop.Name, values, shape);
        }
        foreach (JsonProperty warp in Cases(config, "warps"))
        {
            float[] values = golden.Floats("in/spec");
            spectrogram.Warp(values, mels, new TimeWarp(Int(warp, "center"), Int(warp, "warped")));
            check.Close("out/" + warp.Name, values, shape);
        }
        foreach (JsonProperty mask in Cases(config, "masks"))
        {
            float[] values = golden.Floats("in/spec");
            bool time = mask.Value.GetProperty("dim").GetString() == "time";
            int[] lengths = Ints(mask, "lengths"), positions = Ints(mask, "positions");
            MaskFill fill = mask.Value.GetProperty("fill").GetString()!.StartsWith("zero", StringComparison.Ordinal) ? MaskFill.Zero : MaskFill.Mean;
            Spectrogram.Mask(values, mels, [.. lengths.Zip(positions, (length, at) => new SpectrogramMask(time, at, length))], fill);
            check.Close("out/" + mask.Name, values, shape);
        }
    }

    private static IEnumerable<JsonProperty> Cases(JsonElement config, string kind) =>
        config.TryGetProperty(kind, out JsonElement cases) ? cases.EnumerateObject() : Enumerable.Empty<JsonProperty>();

    private static int Int(JsonProperty owner, string name) => owner.Value.GetProperty(name).GetInt32();

    private static int[] Ints(JsonProperty owner, string name) => [.. owner.Value.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];
}
