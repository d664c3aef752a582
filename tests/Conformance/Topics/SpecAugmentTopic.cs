using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>Resize-crop, time warp and masks of spectrograms with the random choices given.</summary>
internal sealed class SpecAugmentTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics { get; } = ["spec_augment"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        var config = golden.Config;
        var shape = golden.Shape("in/spec");
        var mels = (int)shape[^2];
        check.SameSequence("shape", shape, config.GetProperty("shape").Ints().Select(side => (long)side));
        var spectrogram = new Spectrogram();
        foreach (var crop in Cases(config, "crops"))
        {
            var values = golden.Floats("in/spec");
            // A crop may have a canvas of its own.
            var canvas = (crop.Value.TryGetProperty("canvas", out var own) ? own : config.GetProperty("canvas")).Ints();
            SpectrogramCrop drawn = new(canvas[0], canvas[1], GoldenModels.Box(crop.Value));
            spectrogram.ResizeCrop(values, mels, drawn);
            check.Close("out/" + crop.Name, values, shape);
        }
        foreach (var warp in Cases(config, "warps"))
        {
            var values = golden.Floats("in/spec");
            TimeWarp drawn = new(Int(warp, "center"), Int(warp, "warped"));
            check.Equal(warp.Name + " within its window", Math.Abs(drawn.Warped - 1 - drawn.Center) <= Int(warp, "window"), true);
            spectrogram.Warp(values, mels, drawn);
            check.Close("out/" + warp.Name, values, shape);
        }
        foreach (var mask in Cases(config, "masks"))
        {
            var values = golden.Floats("in/spec");
            var time = mask.Value.GetProperty("dim").GetString() switch
            {
                "time" => true,
                "freq" => false,
                string other => throw new InvalidDataException($"{mask.Name}: no mask lies along {other}"),
                null => throw new InvalidDataException($"{mask.Name}: no dim"),
            };
            int[] lengths = Ints(mask, "lengths"), positions = Ints(mask, "positions");
            var fill = mask.Value.GetProperty("fill").GetString()!.Split(' ')[0] switch
            {
                "zero" => MaskFill.Zero,
                "mean" => MaskFill.Mean,
                string other => throw new InvalidDataException($"{mask.Name}: no mask is filled with {other}"),
            };
            SpectrogramMask[] drawn = [.. lengths.Zip(positions, (length, at) => new SpectrogramMask(time, at, length))];
            Spectrogram.Mask(values, mels, drawn, fill);
            check.Close("out/" + mask.Name, values, shape);
        }
    }

    private static IEnumerable<GoldenProperty> Cases(GoldenField config, string kind) =>
        config.TryGetProperty(kind, out var cases) ? cases.EnumerateObject() : [];

    private static int Int(GoldenProperty owner, string name) => owner.Value.GetProperty(name).GetInt32();

    private static int[] Ints(GoldenProperty owner, string name) => owner.Value.GetProperty(name).Ints();
}
