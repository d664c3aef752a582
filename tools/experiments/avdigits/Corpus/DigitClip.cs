using System.Runtime.InteropServices;
using Xkd.Ingest;
using Xkd.Pipeline;

namespace Xkd.Experiments.AvDigits;

/// <summary>One clip of the corpus: where it goes, and its picture and sound as pure functions of the seed.</summary>
internal sealed class DigitClip : IGeneratedClip
{
    // Purposes of the corpus's own draws, clear of those of training.
    private const SamplePurpose Picture = (SamplePurpose)2001;
    private const SamplePurpose Sound = (SamplePurpose)2002;
    private const double Seconds = 4.5;
    private readonly SampleKey _key;
    private readonly IReadOnlyList<byte[]> _images;
    private readonly IReadOnlyList<IReadOnlyList<short[]>> _speakers;

    public DigitClip(string root, ulong seed, bool validation, int digit, int index, IReadOnlyList<byte[]> images, IReadOnlyList<IReadOnlyList<short[]>> speakers)
    {
        (_images, _speakers) = (images, speakers);
        _key = new SampleKey(seed, validation ? 1 : 0, ((long)digit << 32) + index);
        var split = validation ? "val" : "train";
        var folder = System.IO.Path.Combine(root, split, $"digit_{digit}");
        var name = $"{digit}_{split}_{index:D4}.mp4";
        (Path, Temporary) = (System.IO.Path.Combine(folder, name), System.IO.Path.Combine(folder, "." + name));
    }

    public string Path { get; }

    public string Temporary { get; }

    public async Task WriteFramesAsync(Stream pipe)
    {
        var format = DigitCorpus.Format;
        SampleRandom random = new(_key, Picture);
        DigitPainter painter = new(format.Width, format.Height, _images[random.NextInt(_images.Count)], random);
        var frame = new byte[format.Width * format.Height * 3];
        for (var i = 0; i < (int)(Seconds * format.Fps); i++)
        {
            painter.Paint((double)i / format.Fps, frame);
            await pipe.WriteAsync(frame).ConfigureAwait(false);
        }
    }

    public async Task WriteSamplesAsync(Stream pipe)
    {
        SampleRandom random = new(_key, Sound);
        var samples = DigitSpeaker.Render((int)(Seconds * SpokenDigits.SampleRate), _speakers, ref random);
        await pipe.WriteAsync(MemoryMarshal.AsBytes<short>(samples).ToArray()).ConfigureAwait(false);
    }
}
