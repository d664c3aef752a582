using System.Diagnostics;
using System.Globalization;
using Xkd.Pipeline;

namespace Xkd.Bench;

/// <summary>
/// The video views of one clip from its cached window (112×149, 32 frames, blur on) beside Pillow doing the same (<c>peers/augment_pil.py</c>), on one thread each,
/// taking turns; the median of the rounds' ratios.
/// </summary>
internal static class AugmentationComparison
{
    private const int Repetitions = 40;

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer script.</param>
    /// <param name="python">The interpreter that has numpy and Pillow.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string peers, string python, TextWriter output)
    {
        ClipViews views = new();
        Ours(views); // compiles
        List<double> ratios = [];
        for (var round = 0; round < rounds; round++)
        {
            double ours = Ours(views), theirs = await PillowAsync(python, Path.Combine(peers, "augment_pil.py")).ConfigureAwait(false);
            ratios.Add(theirs / ours);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: {ours:f2} ms a clip; Pillow {theirs:f1} ms")).ConfigureAwait(false);
        }

        double[] sorted = [.. ratios.Order()];
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"augmentation: {sorted[sorted.Length / 2]:f1} times as fast as Pillow, one thread")).ConfigureAwait(false);
        return 0;
    }

    private static double Ours(ClipViews views)
    {
        var times = new double[Repetitions];
        for (var i = 0; i < times.Length; i++)
        {
            var began = Stopwatch.GetTimestamp();
            views.Make();
            times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }

        return times.Order().ElementAt(Repetitions / 2);
    }

    private static async Task<double> PillowAsync(string python, string script)
    {
        var root = await PeerScript.RunAsync(python, script, "numpy and Pillow", "15").ConfigureAwait(false);
        return root.GetProperty("ms_per_clip").GetDouble();
    }

    private sealed class ClipViews
    {
        private const int Frames = 32, Height = 112, Width = 149;
        private static readonly ColorJitter Jitter = new()
        {
            Brightness = 1.2,
            Contrast = 0.8,
            Saturation = 1.3,
            Hue = 0.1,
            Order = [JitterOperation.Contrast, JitterOperation.Hue, JitterOperation.Brightness, JitterOperation.Saturation],
        };

        private readonly VideoAugmenter _video = new();
        private readonly byte[] _window = new byte[Frames * Height * Width * 3];
        private readonly float[] _global = new float[3 * 32 * 112 * 112];
        private readonly float[] _local = new float[3 * 8 * 96 * 96];
        private readonly VideoViewAugmentation _globalView = new() { Crop = new CropBox(5, 7, 100, 120), Flip = true, Jitter = Jitter };
        private readonly VideoViewAugmentation _localView = new() { Crop = new CropBox(5, 7, 60, 70), Jitter = Jitter, Blur = new GaussianBlur(9, 0.1, 2) };

        public ClipViews()
        {
            // Smooth pictures with some noise: random bytes would make every colour branch equally likely.
            var random = new Random(1);
            for (var i = 0; i < _window.Length; i++)
            {
                int x = i / 3 % Width, y = i / 3 / Width % Height;
                _window[i] = (byte)Math.Clamp(128 + 80 * Math.Sin(x * 0.05 + i % 3) + 40 * Math.Sin(y * 0.11) + random.Next(-20, 20), 0, 255);
            }
        }

        public void Make()
        {
            _video.Apply(_window, Height, Width, _globalView, 112, _global);
            _video.Apply(_window.AsSpan(3 * Height * Width * 3, 8 * Height * Width * 3), Height, Width, _localView, 96, _local);
        }
    }
}
