using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;
using static TorchSharp.torch;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// The training step beside the same step in eager PyTorch (<c>peers/train_step.py</c>), on random input. Every side is a process that runs as many
/// steps as it is told, with the configuration's number of threads. A CPU's speed wanders: there the sides take turns of a few steps, and medians of
/// each turn's ratios are compared. A GPU's memory is for one of them: there a side starts, warms up, is measured and ends before the next one. This
/// side comes first. A side that cannot run is named and left out; the others stay. The phases of this side's step are <c>xkd profile step</c>'s.
/// </summary>
internal static class StepBenchmark
{
    private const int StepsATurn = 4;
    private const string Own = "ours", Unavailable = "unavailable", Turns = "turns", Alone = "alone";

    /// <summary>The comparison.</summary>
    /// <param name="arguments">[ROUNDS] [PEERS] [PYTHON] [CONFIG] [DEVICE] [BATCH] [STYLES] [ORDER]; "" takes the default, which Program.cs tells.</param>
    /// <param name="output">Receives the lines of the comparison as they come.</param>
    /// <returns>0 if this side was measured, otherwise 1.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        string At(int i, string otherwise) => arguments.ElementAtOrDefault(i) is { Length: > 0 } given ? given : otherwise;
        var rounds = int.Parse(At(0, "5"));
        var (peers, config, device, batch) = (At(1, ""), At(3, "configs/bench/scaled.yaml"), At(4, "cpu"), At(5, ""));
        var loaded = Load(config, batch);
        var program = Environment.ProcessPath!;
        string[] self = program.EndsWith("dotnet", StringComparison.Ordinal) ? [Environment.GetCommandLineArgs()[0]] : [];
        StepSide ours = new(Own, program, [.. self, "step-side", config, device, batch], output);
        var styles = peers.Length > 0 ? At(6, "released,tuned,compiled").Split(',') : [];
        StepSide[] sides =
        [
            ours,
            .. styles.Select(style => new StepSide(style, At(2, "python3"), [Path.Combine(peers, "train_step.py"), Options(loaded), style, device], output)),
        ];
        var inTurns = At(7, device == "cpu" ? Turns : Alone) == Turns;
        foreach (var group in inTurns ? [sides] : sides.Select(side => new[] { side }))
        {
            Measure(group, ours, rounds, loaded.Batch, output);
        }

        return ours.Times.Count == rounds ? 0 : 1;
    }

    /// <summary>This side's process: says what it runs on; then for each line of input, a number of steps, writes their times, as the peers do.</summary>
    /// <param name="arguments">CONFIG DEVICE [BATCH].</param>
    /// <param name="input">Its standard input.</param>
    /// <param name="output">Its standard output.</param>
    public static int Serve(string[] arguments, TextReader input, TextWriter output)
    {
        try
        {
            var config = Load(arguments[0], arguments.ElementAtOrDefault(2) ?? "");
            var device = Devices.Parse(arguments[1]);
            Devices.SetThreads(config.Train.Threads);
            using RandomStep step = new(config, device);
            Write(new() { ["libtorch"] = LibTorch.Info.Version, ["batch"] = config.Batch });
            while (input.ReadLine() is { } steps)
            {
                double[] ms = [.. step.Run(int.Parse(steps))];
                using var self = Process.GetCurrentProcess();
                Dictionary<string, object> turn = new(StringComparer.Ordinal) { ["ms"] = ms };
                if (device.type == TorchSharp.DeviceType.CPU)
                {
                    turn["peak MB"] = self.PeakWorkingSet64 / 1e6;
                }

                Write(turn);
            }

            return 0;
        }
        catch (Exception e) when (e is XkdException or ExternalException or InvalidOperationException)
        {
            Write(new() { [Unavailable] = e.Message.Split('\n')[0] });
            return 1;
        }

        void Write(Dictionary<string, object> answer) => output.WriteLine(JsonSerializer.Serialize(answer));
    }

    private static PretrainConfig Load(string config, string batch) => PretrainConfig.Load(config, batch.Length > 0 ? [$"batch={batch}"] : []);

    private static void Measure(StepSide[] sides, StepSide ours, int rounds, int batch, TextWriter output)
    {
        try
        {
            List<StepSide> live = [.. sides.Where(side => side.Start())];
            for (var round = 0; round <= rounds && live.Count > 0; round++)
            {
                live.RemoveAll(side => !side.Turn(measured: round > 0)); // the first turn warms up: it allocates, and compiles kernels
                output.WriteLine($"round {round}: {string.Join("; ", live.Select(side => $"{side.Name} {side.Last:f1} ms"))}");
            }

            foreach (var side in live)
            {
                var ms = Median(side.Times);
                var beside = side == ours || ours.Times.Count == 0 ? ""
                    : $", ours takes {Median(ours.Times.Zip(side.Times, (own, other) => own / other)):f3} of its time";
                output.WriteLine($"{side.Name}: {ms:f1} ms a step of {batch}, {1000 * batch / ms:f1} samples/s{beside}{side.Breakdown}");
            }
        }
        finally
        {
            Array.ForEach(sides, side => side.Dispose());
        }
    }

    // What a peer needs to know of the configuration.
    private static string Options(PretrainConfig config)
    {
        var (data, model, objective) = (config.Data, config.Model, config.Objective);
        int[] Grid(int[] whole, int[] patch) => [.. whole.Zip(patch, (size, part) => size / part)];
        return JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["threads"] = config.Train.Threads, ["batch"] = config.Batch,
            ["dim"] = model.Encoder.Dim, ["depth"] = model.Encoder.Depth, ["heads"] = model.Encoder.Heads,
            ["dec_dim"] = model.Decoder.Dim, ["dec_depth"] = model.Decoder.Depth, ["dec_heads"] = model.Decoder.Heads,
            ["layers"] = model.Projector.Layers, ["hidden"] = model.Projector.Hidden,
            ["bottleneck"] = model.Projector.Bottleneck, ["out"] = model.Projector.Out,
            ["video_patch"] = model.VideoPatch,
            ["video_grid"] = Grid([data.GlobalFrames, data.GlobalSize, data.GlobalSize], model.VideoPatch),
            ["audio_patch"] = model.AudioPatch, ["audio_grid"] = Grid([data.Mels, data.GlobalMelFrames], model.AudioPatch),
            ["mask_video"] = objective.MaskVideo, ["mask_audio"] = objective.MaskAudio,
            ["teacher_global"] = objective.TeacherView == TeacherView.Global,
            ["video_views"] = Views(
                [3, data.GlobalFrames, data.GlobalSize, data.GlobalSize], [3, data.LocalFrames, data.LocalSize, data.LocalSize], data.LocalVideoViews),
            ["audio_views"] = Views([1, data.Mels, data.GlobalMelFrames], [1, data.Mels, data.LocalMelFrames], data.LocalAudioViews),
        });

        static int[][] Views(int[] whole, int[] part, int parts) => [whole, .. Enumerable.Repeat(part, parts)];
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
            _input = XkdInput.Random(config, config.Batch, seed: 0, device);
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

    /// <summary>A process that runs as many steps as it is told and answers with their times.</summary>
    private sealed class StepSide(string name, string program, string[] arguments, TextWriter output) : IDisposable
    {
        private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(30);
        private Process? _process;

        public string Name => name;

        /// <summary>Milliseconds of a step: the last turn's median.</summary>
        public double Last { get; private set; }

        /// <summary>The same of every measured turn.</summary>
        public List<double> Times { get; } = [];

        /// <summary>What else it tells of its last turn: mean milliseconds of the phases, and the most memory.</summary>
        public string Breakdown { get; private set; } = "";

        /// <summary>False where it cannot run, which is said.</summary>
        public bool Start()
        {
            if (Ask(null) is not { } hello)
            {
                return false;
            }

            output.WriteLine($"{name} runs: {hello}");
            return true;
        }

        /// <summary>A few steps; false where it has ended, which is said.</summary>
        public bool Turn(bool measured)
        {
            if (Ask(StepsATurn.ToString(CultureInfo.InvariantCulture)) is not { } turn)
            {
                return false;
            }

            Last = Median(turn.GetProperty("ms").EnumerateArray().Select(ms => ms.GetDouble()));
            Times.AddRange(measured ? [Last] : []);
            Breakdown = string.Concat(turn.EnumerateObject().Where(p => p.Name is not ("ms" or "loss")).Select(p => $", {p.Name} {p.Value.GetDouble():f1}"));
            return true;
        }

        public void Dispose()
        {
            if (_process is null)
            {
                return;
            }

            _process.StandardInput.Close();
            if (!_process.WaitForExit(Farewell))
            {
                _process.Kill(entireProcessTree: true);
                _process.WaitForExit();
            }

            _process.Dispose();
            _process = null;
        }

        private JsonElement? Ask(string? line)
        {
            try
            {
                _process ??= Process.Start(new ProcessStartInfo(program, arguments)
                {
                    UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
                })!;
                if (line is not null)
                {
                    Tell(_process.StandardInput, line);
                }

                using var json = JsonDocument.Parse(_process.StandardOutput.ReadLine() ?? Ended(_process));
                if (!json.RootElement.TryGetProperty(Unavailable, out var reason))
                {
                    return json.RootElement.Clone();
                }

                output.WriteLine($"{name} is left out: {reason.GetString()}");
            }
            catch (Exception e) when (e is Win32Exception or JsonException or InvalidOperationException)
            {
                output.WriteLine($"{name} is left out: {e.Message}");
            }

            return null;
        }

        private static void Tell(StreamWriter input, string line)
        {
            try
            {
                input.WriteLine(line);
                input.Flush();
            }
            catch (IOException)
            {
                // It has ended; what it answers tells so.
            }
        }

        private static string Ended(Process process)
        {
            process.WaitForExit();
            return JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { [Unavailable] = $"it ended with exit code {process.ExitCode}" });
        }
    }
}
