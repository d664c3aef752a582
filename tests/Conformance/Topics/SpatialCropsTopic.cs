using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>Test-time scaling and three crops, from float clips and from cached frames.</summary>
internal sealed class SpatialCropsTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics { get; } = ["spatial_crops"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        var crop = golden.Config.GetProperty("crop").GetInt32();
        foreach (var input in golden.TensorNames.Where(name => name.StartsWith("in/", StringComparison.Ordinal)))
        {
            var result = "out" + input[2..];
            int[] shape = [.. golden.Shape(input).Select(side => (int)side)];
            if (golden.Dtype(input) == "U8")
            {
                Views(golden, check, golden.Bytes(input), shape, result, crop);
                continue;
            }
            int channels = shape[0], frames = shape[1], height = shape[2], width = shape[3];
            var planes = golden.Floats(input);
            (var scaled, var tall, var wide) = Scaled(planes, height, width, crop);
            check.Close(result + "/scaled", scaled, [channels, frames, tall, wide]);
            check.Close(result + "/three_crops", Three(scaled, tall, wide, crop), [3, channels, frames, crop, crop]);
            if (golden.Has(result + "/resized_crop"))
            {
                var box = GoldenModels.Box(golden.Config.GetProperty(input[3..] + "_resized_crop_box"));
                var resized = new float[channels * frames * crop * crop];
                SpatialCrops.Resize(planes, height, width, box, crop, crop, resized);
                check.Close(result + "/resized_crop", resized, [channels, frames, crop, crop]);
            }
        }
    }

    private static void Views(GoldenCase golden, GoldenCheck check, byte[] clip, int[] shape, string result, int crop)
    {
        int frames = shape[0], height = shape[1], width = shape[2];
        var augmenter = new VideoAugmenter();

        // Centred first (quirk 31): resized by Pillow to crop / 0.875, cut, and then there is nothing left to crop.
        (var tall, var wide) = SpatialCrops.ShortSide(height, width, (int)(crop / 0.875));
        var cut = Centered(clip, shape, tall, wide, crop);
        var centre = new float[3 * frames * crop * crop];
        augmenter.Apply(cut, crop, crop, new VideoViewAugmentation { Crop = CropBox.Whole(crop, crop) }, crop, centre);
        check.Close(result + "/strong3crop_val", Three(centre, crop, crop, crop));

        // The whole frame, repeated from its start to the length asked for.
        var length = (int)golden.Shape(result + "/randaug3crop_val")[2];
        byte[] looped = [.. Enumerable.Range(0, length).SelectMany(t => clip.Chunk(height * width * 3).ElementAt(t % frames))];
        var whole = new float[3 * length * height * width];
        augmenter.Apply(looped, height, width, new VideoViewAugmentation { Crop = CropBox.Whole(height, width) }, height, width, whole);
        (var scaled, tall, wide) = Scaled(whole, height, width, crop);
        check.Close(result + "/randaug3crop_val", Three(scaled, tall, wide, crop));
    }

    private static byte[] Centered(byte[] clip, int[] shape, int tall, int wide, int crop)
    {
        var box = CropBox.Centered(tall, wide, crop, crop);
        var frame = new PlanarFrame();
        frame.PrepareResize(CropBox.Whole(shape[1], shape[2]), tall, wide);
        var rgb = new byte[tall * wide * 3];
        var result = new List<byte>();
        foreach (var pixels in clip.Chunk(shape[1] * shape[2] * 3))
        {
            frame.LoadResized(pixels, shape[2]);
            frame.CopyTo(rgb);
            for (var y = 0; y < crop; y++)
            {
                result.AddRange(rgb.AsSpan(((box.Top + y) * wide + box.Left) * 3, crop * 3));
            }
        }
        return [.. result];
    }

    private static (float[] Planes, int Height, int Width) Scaled(float[] planes, int height, int width, int crop)
    {
        (var tall, var wide) = SpatialCrops.ShortSide(height, width, crop);
        var scaled = new float[planes.Length / (height * width) * tall * wide];
        SpatialCrops.Resize(planes, height, width, CropBox.Whole(height, width), tall, wide, scaled);
        return (scaled, tall, wide);
    }

    private static float[] Three(float[] planes, int height, int width, int crop)
    {
        var one = planes.Length / (height * width) * crop * crop;
        var result = new float[3 * one];
        foreach ((var index, var box) in SpatialCrops.Three(height, width, crop).Index())
        {
            SpatialCrops.Crop(planes, height, width, box, result.AsSpan(index * one, one));
        }
        return result;
    }
}
