using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using static TorchSharp.torch;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// The training step beside the same step in eager PyTorch (<c>peers/train_step.py</c>), on random input: the sides take turns, a turn is a few
/// steps, and medians of each turn's ratios are compared. Every side has the configuration's number of threads.
/// </summary>
internal static class StepBenchmark
{
    private const int StepsATurn = 4;
    private static readonly string[] Styles = ["released", "tuned", "compiled"];
    private const string Unavailable = "{\"unavailable\"";
    private static readonly string[] Parts = ["forward", "backward", "clip", "adamw", "ema"];

    /// <remarks>It waits for the peers without leaving its thread, as a run's steps stay on theirs.</remarks>
    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer scripts; null times this side only.</param>
    /// <param name="python">The interpreter that has PyTorch, with OpenBLAS.</param>
    /// <param name="config">The configuration whose step is timed.</param>
    /// <param name="device">cpu or cuda.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static int Run(int rounds, string? peers, string python, string config, string device, TextWriter output)
    {
        LibTorch.Load();
        var loaded = PretrainConfig.Load(config, []);
        Devices.SetThreads(loaded.Train.Threads);
        using RandomStep ours = new(loaded, Devices.Parse(device));
        List<StepPeer> others = peers is null ? [] : [.. Styles.Select(style => new StepPeer(python, Path.Combine(peers, "train_step.py"), StepPeer.Options(loaded), style, device))];
        try
        {
            foreach (var peer in others.ToList())
            {
                var hello = peer.Hello();
                output.WriteLine($"{peer.Style}: {hello}");
                if (hello.StartsWith(Unavailable, StringComparison.Ordinal))
                {
                    others.Remove(peer);
                    peer.Dispose();
                }
            }

            List<double> own = [];
            var theirs = others.ToDictionary(p => p, _ => new List<double>());
            for (var round = -1; round < rounds; round++)
            {
                // The first turn warms up: it allocates, and compiles kernels.
                var mine = Median(ours.Run(StepsATurn));
                var line = string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: {mine:f0} ms a step");
                foreach (var peer in others)
                {
                    var other = Median(peer.Run(StepsATurn));
                    theirs[peer].AddRange(round >= 0 ? [other] : []);
                    line += string.Create(CultureInfo.InvariantCulture, $"; {peer.Style} {other:f0} ms");
                }

                own.AddRange(round >= 0 ? [mine] : []);
                output.WriteLine(line);
            }

            using var self = Process.GetCurrentProcess();
            var peak = self.PeakWorkingSet64; // before the second model, whose phases are timed
            var phases = new StepProfiler(loaded, Devices.Parse(device), TimeProvider.System).Run(loaded.Batch, CancellationToken.None);
            var whole = phases.ForwardMs + phases.BackwardMs + phases.OptimizerMs;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"of which forward {phases.ForwardMs:f1}, backward {phases.BackwardMs:f1}, optimizer with clip and moving averages {phases.OptimizerMs:f1} ms: {100 * phases.OptimizerMs / whole:f2} % of the step; MFU {100 * phases.Mfu:f1} % of {1000 * phases.MatmulTflops:f0} GFLOP/s in {phases.MatmulType}"));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step: {Median(own):f0} ms, peak RSS {peak / 1e6:f0} MB"));
            foreach ((var peer, var times) in theirs)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{peer.Style} eager PyTorch: {Median(times):f0} ms, {peer.Breakdown}; ours takes {Median(own.Zip(times, (o, t) => o / t)):f3} of its time"));
            }
        }
        finally
        {
            others.ForEach(p => p.Dispose());
        }

        return 0;
    }

    /// <summary>This side: the product's own step on one random batch.</summary>
    internal sealed class RandomStep : IDisposable
    {
        private readonly XkdModel _model;
        private readonly XkdStep _step;
        private readonly XkdInput _input;
        private readonly StepSchedule _schedule;

        public RandomStep(PretrainConfig config, Device device, RankGroup? ranks = null)
        {
            _model = new XkdModel(config, seed: 0, device);
            _step = new XkdStep(_model, ranks is null ? null : StepExchange.Of(ranks, config));
            _schedule = new TrainingSchedule(config, stepsPerEpoch: 1000).At(0) with { LearningRate = config.Optim.Lr };
            using IDisposable scope = NewDisposeScope();
            Tensor Normal(params long[] shape) => randn([config.Batch, .. shape], device: device).DetachFromDisposeScope();
            Tensor Uniform(long tokens) => rand([config.Batch, tokens], device: device).DetachFromDisposeScope();
            var data = config.Data;
            _input = new XkdInput(
                [Normal(3, data.GlobalFrames, data.GlobalSize, data.GlobalSize), .. Enumerable.Range(0, data.LocalVideoViews).Select(_ => Normal(3, data.LocalFrames, data.LocalSize, data.LocalSize))],
                [Normal(1, data.Mels, data.GlobalMelFrames), .. Enumerable.Range(0, data.LocalAudioViews).Select(_ => Normal(1, data.Mels, data.LocalMelFrames))],
                Uniform(config.VideoGeometry.Tokens),
                Uniform(config.AudioGeometry.Tokens));
        }

        /// <summary>Milliseconds of each step; reading a loss back waits for the device.</summary>
        public IEnumerable<double> Run(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                var started = Stopwatch.GetTimestamp();
                using var scalars = _step.Run(_input, _schedule);
                if (!double.IsFinite(scalars.Read()["loss"]))
                {
                    throw new InvalidOperationException("the loss is not finite");
                }

                yield return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }
        }

        public void Dispose()
        {
            foreach (var tensor in _input.Video.Concat(_input.Audio).Append(_input.VideoNoise).Append(_input.AudioNoise))
            {
                tensor.Dispose();
            }

            _step.Dispose();
            _model.Dispose();
        }
    }

    /// <summary>A peer process, which runs as many steps as it is told and answers with their times.</summary>
    private sealed class StepPeer : IDisposable
    {
        private readonly Process _process;

        public StepPeer(string python, string script, string options, string style, string device)
        {
            Style = style;
            _process = Process.Start(new ProcessStartInfo(python, [script, options, style, device])
            {
                UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
            }) ?? throw new InvalidOperationException($"{python} did not start");
        }

        public string Style { get; }

        /// <summary>Where the last turn's time went, mean of its steps.</summary>
        public string Breakdown { get; private set; } = "";

        public static string Options(PretrainConfig config)
        {
            var (data, model, objective) = (config.Data, config.Model, config.Objective);
            int[] Grid(int[] whole, int[] patch) => [.. whole.Zip(patch, (size, part) => size / part)];
            return JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["threads"] = config.Train.Threads, ["batch"] = config.Batch,
                ["dim"] = model.Encoder.Dim, ["depth"] = model.Encoder.Depth, ["heads"] = model.Encoder.Heads,
                ["dec_dim"] = model.Decoder.Dim, ["dec_depth"] = model.Decoder.Depth, ["dec_heads"] = model.Decoder.Heads,
                ["layers"] = model.Projector.Layers, ["hidden"] = model.Projector.Hidden, ["bottleneck"] = model.Projector.Bottleneck, ["out"] = model.Projector.Out,
                ["video_patch"] = model.VideoPatch, ["video_grid"] = Grid([data.GlobalFrames, data.GlobalSize, data.GlobalSize], model.VideoPatch),
                ["audio_patch"] = model.AudioPatch, ["audio_grid"] = Grid([data.Mels, data.GlobalMelFrames], model.AudioPatch),
                ["mask_video"] = objective.MaskVideo, ["mask_audio"] = objective.MaskAudio, ["teacher_global"] = objective.TeacherView == TeacherView.Global,
                ["video_views"] = Views([3, data.GlobalFrames, data.GlobalSize, data.GlobalSize], [3, data.LocalFrames, data.LocalSize, data.LocalSize], data.LocalVideoViews),
                ["audio_views"] = Views([1, data.Mels, data.GlobalMelFrames], [1, data.Mels, data.LocalMelFrames], data.LocalAudioViews),
            });

            static int[][] Views(int[] whole, int[] part, int parts) => [whole, .. Enumerable.Repeat(part, parts)];
        }

        public string Hello() => Line();

        public double[] Run(int steps)
        {
            _process.StandardInput.WriteLine(steps.ToString(CultureInfo.InvariantCulture));
            _process.StandardInput.Flush();
            using var json = JsonDocument.Parse(Line());
            var turn = json.RootElement;
            Breakdown = string.Join(", ", Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part} {turn.GetProperty(part).GetDouble():f1}")))
                + string.Create(CultureInfo.InvariantCulture, $", peak {turn.GetProperty("peak_rss").GetDouble() / 1e6:f0} MB");
            return [.. turn.GetProperty("ms").EnumerateArray().Select(ms => ms.GetDouble())];
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }

        private string Line() =>
            _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"the {Style} peer has ended; does its Python have PyTorch?");
    }
}
