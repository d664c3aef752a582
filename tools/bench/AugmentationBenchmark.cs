using BenchmarkDotNet.Attributes;
using Xkd.Pipeline;

namespace Xkd.Bench;

/// <summary>
/// All views of one clip from its cached window (112×149, 32 frames), one thread, blur on. The peer is <c>peers/augment_pil.py</c>,
/// which runs the same operations with the same parameters.
/// </summary>
[MemoryDiagnoser]
public class AugmentationBenchmark
{
    private const int Frames = 32, Height = 112, Width = 149;
    private static readonly ColorJitter s_jitter = new()
    {
        Brightness = 1.2,
        Contrast = 0.8,
        Saturation = 1.3,
        Hue = 0.1,
        Order = [JitterOperation.Contrast, JitterOperation.Hue, JitterOperation.Brightness, JitterOperation.Saturation],
    };

    private readonly VideoAugmenter _video = new();
    private readonly SpectrogramAugmenter _audio = new(-5.3688107, 4.410007);
    private readonly byte[] _window = new byte[Frames * Height * Width * 3];
    private readonly Half[] _mel = new Half[80 * 448];
    private readonly Half[] _localMel = new Half[80 * 112];
    private readonly float[] _global = new float[3 * 32 * 112 * 112];
    private readonly float[] _local = new float[3 * 8 * 96 * 96];
    private readonly float[] _spectrogram = new float[80 * 448];
    private readonly float[] _localSpectrogram = new float[80 * 112];
    private readonly VideoViewAugmentation _globalView = new() { Crop = new CropBox(5, 7, 100, 120), Flip = true, Jitter = s_jitter };
    private readonly VideoViewAugmentation _localView = new() { Crop = new CropBox(5, 7, 60, 70), Jitter = s_jitter, Blur = new GaussianBlur(9, 0.1, 2) };

    [GlobalSetup]
    public void Fill()
    {
        // Smooth pictures with some noise: random bytes would make every colour branch equally likely.
        var random = new Random(1);
        for (var i = 0; i < _window.Length; i++)
        {
            int x = i / 3 % Width, y = i / 3 / Width % Height;
            _window[i] = (byte)Math.Clamp(128 + 80 * Math.Sin(x * 0.05 + i % 3) + 40 * Math.Sin(y * 0.11) + random.Next(-20, 20), 0, 255);
        }
        for (var i = 0; i < _mel.Length; i++)
        {
            _mel[i] = (Half)(random.NextDouble() * 10 - 12);
        }
        _mel.AsSpan(0, _localMel.Length).CopyTo(_localMel);
    }

    [Benchmark]
    public void VideoGlobalAndLocal()
    {
        _video.Apply(_window, Height, Width, _globalView, 112, _global);
        _video.Apply(_window.AsSpan(3 * Height * Width * 3, 8 * Height * Width * 3), Height, Width, _localView, 96, _local);
    }

    [Benchmark]
    public void AudioGlobalAndLocal()
    {
        _audio.Apply(_mel, 80, new SpectrogramViewAugmentation { Volume = 1.05 }, _spectrogram);
        var crop = new SpectrogramCrop(80, 168, new CropBox(7, 20, 55, 90));
        _audio.Apply(_localMel, 80, new SpectrogramViewAugmentation { Volume = 0.9, ResizeCrop = crop }, _localSpectrogram);
    }
}
