using System.Diagnostics;
using System.Runtime.InteropServices;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Tests.Evaluation;
using Xkd.Model.Tests.Onnx;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Weights;

/// <summary>
/// <c>tools/python/xkd_encoder.py</c> gives the features of an export that evaluation gives, of random inputs and of a cache's clips. Skipped where Python has
/// no PyTorch.
/// </summary>
[Collection(nameof(EvaluationWorld))]
public sealed class PythonEncoderTests(EvaluationWorld world) : IDisposable
{
    private static readonly string Folder = Path.Combine(RepositoryRoot.Path, "tools", "python");
    private static readonly string Python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

    // Asked once: the import takes seconds.
    private static readonly Lazy<Task<(int Code, string Output, string Errors)>> Imports = new(() => RunAsync("-c", "import numpy, torch"));

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(WeightModality.Video, true)]
    [InlineData(WeightModality.Video, false)]
    [InlineData(WeightModality.Audio, true)]
    [InlineData(WeightModality.Audio, false)]
    public async Task Features_RandomInputs_AreThoseOfTheEncoder(WeightModality modality, bool classToken)
    {
        await RequireAsync();
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make(classToken: classToken);
        using var encoder = EvaluationEncoder.Of(model, modality, WeightBranch.Teacher);
        Export(encoder, _folder.File("encoder.safetensors"));
        var own = OnnxModel.Input(encoder, 2);
        using Generator generator = new(5);
        long[] resampled = modality == WeightModality.Video ? [2, 3, 6, 24, 24] : [2, 1, 8, 24]; // no encoder's own size
        var other = randn(resampled, generator: generator);
        WeightExporter.Write(_folder.File("data.safetensors"), [
            TensorBytes.Copy("own", own), TensorBytes.Copy("own.features", encoder.Features(own)),
            TensorBytes.Copy("other", other), TensorBytes.Copy("other.features", encoder.Features(other)),
        ]);
        await DoneAsync("-c", Compare(
            $"""
            encoder = xkd_encoder.load('{_folder.File("encoder.safetensors")}')
            for name in ('own', 'other'):
                near(encoder.features(data[name]), data[name + '.features'], 1e-4)
            near(encoder.features(data['own']) + 0.01, data['own.features'], 1e-4, differs=True)
            """));
    }

    [Theory]
    [InlineData(WeightModality.Video)]
    [InlineData(WeightModality.Audio)]
    public async Task CommandLine_AClipOfACache_HasTheFeaturesOfEvaluation(WeightModality modality)
    {
        await RequireAsync();
        var run = world.Run(XkdVariant.Xkd);
        var cache = Cache.Open(world.Splits);
        string file = _folder.File("encoder.safetensors"), features = _folder.File("features.parquet"), said = _folder.File("features.npy");
        var weights = WeightImporter.Read(run, new WeightImportOptions { Modality = modality });
        WeightExporter.Write(file, weights.Tensors, EncoderDescription.ToMetadata(EncoderDescription.Find(run)!));
        using (var encoder = EvaluationEncoder.Open(file, modality, WeightBranch.Teacher, new EncoderSection(), CPU))
        {
            await FeatureFiles.WriteAsync([encoder], cache, features, new FeatureFileOptions { Batch = 4 }, _ => { }, TestContext.Current.CancellationToken);
        }

        var clip = cache.Clips[0];
        var expected = await FeatureFiles.ReadFirstAsync(features, 1, TestContext.Current.CancellationToken);
        Assert.Equal(clip.Id, Assert.Single(expected.Ids));
        using CacheClipSource source = new(cache);
        var frames = new byte[clip.NumFrames * clip.Height * clip.Width * 3];
        var mel = new Half[clip.MelFrames * source.Fingerprint.Mels];
        source.ReadFrames(clip, 0, clip.NumFrames, frames);
        source.ReadMel(clip, mel);
        WeightExporter.Write(_folder.File("data.safetensors"), [
            new WeightTensor("frames", Dtypes.F32, [clip.NumFrames, clip.Height, clip.Width, 3], Bytes(frames.Select(v => (float)v))),
            new WeightTensor("mel", Dtypes.F16, [source.Fingerprint.Mels, clip.MelFrames], MemoryMarshal.AsBytes(mel.AsSpan()).ToArray()),
            new WeightTensor("features", Dtypes.F32, [expected.Dim], Bytes(expected.Vectors)),
        ]);
        await DoneAsync("-c", Compare(
            $"""
            numpy.save('{_folder.File("frames.npy")}', data['frames'].numpy().astype('uint8'))
            numpy.save('{_folder.File("mel.npy")}', data['mel'].numpy())
            """));
        string[] input = modality == WeightModality.Video ? ["--frames", _folder.File("frames.npy")] : ["--mel", _folder.File("mel.npy")];
        await DoneAsync([Path.Combine(Folder, "xkd_encoder.py"), file, .. input, "--out", said]);
        await DoneAsync("-c", Compare($"near(torch.from_numpy(numpy.load('{said}')), data['features'], 1e-4)"));
    }

    [Fact]
    public async Task LogMel_OfASignal_IsThatOfTheCache()
    {
        await RequireAsync();
        Random random = new(3);
        double Noise(int i) => i > 8000 ? 0.1 * (random.NextDouble() - 0.5) : 0;
        float[] signal = [.. Enumerable.Range(0, 20_000).Select(i => (float)((0.3 * Math.Sin(i * (double)i * 1e-5)) + Noise(i)))];
        SimdLogMel kernel = new(new LogMelOptions());
        List<WeightTensor> data = [];
        foreach (var (name, samples) in new[] { ("long", signal), ("short", signal[..300]), ("silent", new float[2000]) }) // short: less than half a frame
        {
            var mel = new float[80 * kernel.Frames(samples.Length)];
            kernel.Compute(samples, mel);
            data.Add(new WeightTensor(name, Dtypes.F32, [samples.Length], Bytes(samples)));
            data.Add(new WeightTensor(name + ".mel", Dtypes.F32, [80, kernel.Frames(samples.Length)], Bytes(mel)));
        }

        // A cache rounds values of 8 to 16 by up to 2^-8; the two differ by less.
        WeightExporter.Write(_folder.File("data.safetensors"), data);
        await DoneAsync("-c", Compare(
            """
            for name in ('long', 'short', 'silent'):
                near(torch.from_numpy(xkd_encoder.log_mel(data[name].numpy())), data[name + '.mel'], 1e-3, share=False)
            """));
    }

    [Fact]
    public async Task CommandLine_AWav_GivesFeaturesAndAWrongOneIsRefused()
    {
        await RequireAsync();
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var encoder = EvaluationEncoder.Of(model, WeightModality.Audio, WeightBranch.Teacher);
        var file = _folder.File("encoder.safetensors");
        Export(encoder, file);
        foreach (var rate in new[] { 16000, 44100 })
        {
            await DoneAsync("-c",
                $"""
                import wave
                with wave.open('{_folder.File($"{rate}.wav")}', 'wb') as f:
                    f.setnchannels(2); f.setsampwidth(2); f.setframerate({rate}); f.writeframes(bytes(range(256)) * 50)
                """);
        }

        var script = Path.Combine(Folder, "xkd_encoder.py");
        Assert.Equal(16, (await DoneAsync(script, file, "--wav", _folder.File("16000.wav"))).Split(' ').Length);
        var (code, _, errors) = await RunAsync(script, file, "--wav", _folder.File("44100.wav"));
        Assert.Equal(1, code);
        Assert.Contains("44100.wav has 16 bits at 44100 Hz; it must have 16 at 16000", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
        (code, _, errors) = await RunAsync(script, file, "--frames", _folder.File("absent.npy"));
        Assert.Equal(1, code);
        Assert.Contains("absent.npy", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static void Export(EvaluationEncoder encoder, string file) => WeightExporter.Write(
        file, [.. StateNames.StateDict(encoder.Network).Select(e => TensorBytes.Copy(e.Name, e.Value))], EncoderDescription.ToMetadata(encoder.Description));

    private static byte[] Bytes(IEnumerable<float> values) => MemoryMarshal.AsBytes<float>(values.ToArray()).ToArray();

    private string Compare(string code) =>
        $"""
        import numpy, sys, torch
        sys.dont_write_bytecode = True
        sys.path.insert(0, '{Folder}')
        import xkd_encoder
        data, _ = xkd_encoder.read_safetensors('{_folder.File("data.safetensors")}')
        def near(got, wanted, most, share=True, differs=False):
            assert got.shape == wanted.shape, (got.shape, wanted.shape)
            difference = float((got - wanted).abs().max() / (wanted.abs().max() if share else 1))
            print('largest difference', difference)
            assert (difference > most) == differs, difference
        {code}
        """;

    private static async Task RequireAsync() => Assert.SkipUnless(
        (await Imports.Value).Code == 0, $"NO PYTORCH: {Python} has no torch or no numpy: apt-get install python3-torch python3-numpy");

    private static async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(arguments);
        Assert.True(code == 0, errors);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        return output;
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(Python, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, (await output).Trim(), errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (127, "", $"{Python} is not installed");
        }
    }
}
