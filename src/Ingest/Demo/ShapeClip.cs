using System.Runtime.InteropServices;
using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>One demonstration clip: where it goes, and its picture and sound as pure functions of the seed.</summary>
internal sealed class ShapeClip : IGeneratedClip
{
    // Purposes of the demonstration's own draws, clear of those of training.
    private const SamplePurpose Length = (SamplePurpose)1001;
    private const SamplePurpose Picture = (SamplePurpose)1002;
    private const SamplePurpose Sound = (SamplePurpose)1003;
    private readonly ShapesOptions _options;
    private readonly ShapeClass _class;
    private readonly SampleKey _key;

    public ShapeClip(string root, ShapesOptions options, bool validation, ShapeClass shape, int index)
    {
        (_options, _class) = (options, shape);
        _key = new SampleKey(options.Seed, validation ? 1 : 0, ((long)shape << 32) + index);
        var name = Enum.GetName(shape)!.ToLowerInvariant();
        Path = System.IO.Path.Combine(root, validation ? "val" : "train", name, $"{name}_{index:D4}.mp4");
        Temporary = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, $".{name}_{index:D4}.mp4");
        Frames = (int)(options.Fps * new SampleRandom(_key, Length).Uniform(4.5, 5.0));
    }

    public string Path { get; }

    public string Temporary { get; }

    public int Frames { get; }

    public async Task WriteFramesAsync(Stream pipe)
    {
        var painter = new ClipPainter(_options.Width, _options.Height, _class, new SampleRandom(_key, Picture));
        var frame = new byte[_options.Width * _options.Height * 3];
        for (var i = 0; i < Frames; i++)
        {
            painter.Paint(i, (double)i / _options.Fps, frame);
            await pipe.WriteAsync(frame);
        }
    }

    public async Task WriteSamplesAsync(Stream pipe)
    {
        var samples = new byte[(int)((long)Frames * _options.SampleRate / _options.Fps) * sizeof(short)];
        new ClipSynthesizer(_options.SampleRate, _class, new SampleRandom(_key, Sound)).Render(MemoryMarshal.Cast<byte, short>(samples.AsSpan()));
        await pipe.WriteAsync(samples);
    }
}
