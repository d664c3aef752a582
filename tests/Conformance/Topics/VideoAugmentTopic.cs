using System.Text.Json;
using Xkd.Model.Training;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>Pillow's video operations one by one and in sequence, with every random choice given.</summary>
internal sealed class VideoAugmentTopic : IGoldenTopic
{
    // What a view is made by, in its order; one that is left out of a case is not drawn there.
    private static readonly string[] Order = ["RandomResizedCrop", "RandomHorizontalFlip", "ColorJitter", "RandomGray", "RandomGaussianBlur", "ClipToTensor", "Normalize"];

    public IReadOnlyCollection<string> Topics { get; } = ["video_augment"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        var clip = golden.Config.GetProperty("clip").Ints();
        check.SameSequence("clip", golden.Shape("in/clip"), clip.Select(side => (long)side));
        foreach (var operation in golden.Config.GetProperty("ops").EnumerateObject())
        {
            var name = "out/" + operation.Name;
            var o = operation.Value;
            o.Describes("output", "note"); // the layout of what came out
            if (o.Has("transforms"))
            {
                check.Close(name, Sequence(golden, check, name, o, clip));
            }
            else if (operation.Name.StartsWith("to_tensor", StringComparison.Ordinal))
            {
                check.Close(name, Normalized(golden, check, name, o, clip));
            }
            else
            {
                check.Pixels(name, Single(golden, check, name, o, clip));
            }
        }
    }

    private static byte[] Single(GoldenCase golden, GoldenCheck check, string name, GoldenField o, int[] clip)
    {
        var gray = o.TryGetProperty("input", out var input);
        var frames = gray ? Triple(golden.Bytes(input.GetString()!)) : golden.Bytes("in/clip");
        int height = clip[1], width = clip[2];
        var channels = golden.Shape(name).Length == 3 ? 1 : 3;
        var frame = new PlanarFrame();
        var result = new List<byte>();
        foreach (var pixels in frames.Chunk(height * width * 3))
        {
            if (o.Has("h"))
            {
                frame.PrepareResize(GoldenModels.Box(o), o.GetProperty("size")[0].GetInt32(), o.GetProperty("size")[1].GetInt32());
                frame.LoadResized(pixels, width);
            }
            else if (o.TryGetProperty("short_side", out var side))
            {
                (var tall, var wide) = SpatialCrops.ShortSide(height, width, side.GetInt32());
                frame.PrepareResize(CropBox.Whole(height, width), tall, wide);
                frame.LoadResized(pixels, width);
            }
            else if (name.StartsWith("out/hflip", StringComparison.Ordinal))
            {
                frame.PrepareResize(CropBox.Whole(height, width), height, width, flip: true);
                frame.LoadResized(pixels, width);
            }
            else
            {
                frame.Load(pixels, height, width);
                Color(frame, name, o);
            }
            var rgb = new byte[frame.Height * frame.Width * 3];
            frame.CopyTo(rgb);
            result.AddRange(channels == 3 ? rgb : rgb.Where((_, i) => i % 3 == 0));
        }

        if (o.TryGetProperty("result", out var size))
        {
            check.SameSequence(name + " size", [frame.Height, frame.Width], size.Ints());
        }

        return [.. result];
    }

    private static void Color(PlanarFrame frame, string name, GoldenField o)
    {
        if (o.Has("kernel_size"))
        {
            frame.Blur(Blur(o));
        }
        else if (name.StartsWith("out/gray", StringComparison.Ordinal))
        {
            frame.Gray();
        }
        else
        {
            frame.Apply(Jitter(o));
        }
    }

    private static float[] Normalized(GoldenCase golden, GoldenCheck check, string name, GoldenField o, int[] clip)
    {
        var frames = o.TryGetProperty("input", out var input) ? Triple(golden.Bytes(input.GetString()!)) : golden.Bytes("in/clip");
        (var first, var count) = Range(o.GetProperty("frames").GetString()!);
        var view = new VideoViewAugmentation { Crop = CropBox.Whole(clip[1], clip[2]) };
        return Apply(golden, Cut(frames, first, count, clip), view, count, clip, clip[1], clip[2]);
    }

    private static float[] Sequence(GoldenCase golden, GoldenCheck check, string name, GoldenField o, int[] clip)
    {
        (var first, var count) = Range(o.GetProperty("frames").GetString()!);
        var transforms = o.GetProperty("transforms").Strings();
        check.SameSequence(name + " transforms", transforms, Order.Where(transforms.Contains));
        var view = new VideoViewAugmentation
        {
            Crop = GoldenModels.Box(o.GetProperty("box")),
            Flip = o.GetProperty("flip").GetBoolean(),
            Jitter = Jitter(o.GetProperty("jitter")),
            Gray = o.GetProperty("gray").GetBoolean(),
            Blur = o.GetProperty("blur") is { ValueKind: JsonValueKind.Object } blur ? Blur(blur) : null,
        };
        return Apply(golden, Cut(golden.Bytes("in/clip"), first, count, clip), view, count, clip, o.GetProperty("size")[0].GetInt32(), o.GetProperty("size")[1].GetInt32());
    }

    // As in training: levels on the host, normalised on the device.
    private static float[] Apply(GoldenCase golden, byte[] frames, VideoViewAugmentation view, int count, int[] clip, int height, int width)
    {
        var levels = new byte[3 * count * height * width];
        new VideoAugmenter().Apply(frames, clip[1], clip[2], view, height, width, levels);
        var device = Devices.Parse(golden.DeviceName);
        var normalize = golden.Config.GetProperty("ops").GetProperty("to_tensor_normalize");
        using LevelScale scale = new(normalize.GetProperty("mean").Floats(), normalize.GetProperty("std").Floats(), device);
        using var scope = NewDisposeScope();
        return scale.Apply(tensor(levels, [1, 3, count, height, width], device: device)).cpu().data<float>().ToArray();
    }

    private static byte[] Cut(byte[] frames, int first, int count, int[] clip) => [.. frames.AsSpan(first * clip[1] * clip[2] * 3, count * clip[1] * clip[2] * 3)];

    private static byte[] Triple(byte[] gray) => [.. gray.SelectMany(value => Enumerable.Repeat(value, 3))];

    private static GaussianBlur Blur(GoldenField o) =>
        new(o.GetProperty("kernel_size").GetInt32(), o.GetProperty("sigma_x").GetDouble(), o.GetProperty("sigma_y").GetDouble());

    private static ColorJitter Jitter(GoldenField o) => new()
    {
        Brightness = Factor(o, "brightness", 1),
        Contrast = Factor(o, "contrast", 1),
        Saturation = Factor(o, "saturation", 1),
        Hue = Factor(o, "hue", 0),
        Order = o.TryGetProperty("order", out var order)
            ? [.. order.Strings().Select(name => Enum.Parse<JitterOperation>(name, ignoreCase: true))]
            : [.. Enum.GetValues<JitterOperation>().Where(op => o.Has(op.ToString().ToLowerInvariant()))],
    };

    private static double Factor(GoldenField o, string name, double otherwise) => o.TryGetProperty(name, out var value) ? value.GetDouble() : otherwise;

    // "0-3", "in/clip frames 2-5"
    private static (int First, int Count) Range(string text)
    {
        var ends = text.Split(' ')[^1].Split('-');
        var first = int.Parse(ends[0]);
        return (first, int.Parse(ends[^1]) - first + 1);
    }
}
