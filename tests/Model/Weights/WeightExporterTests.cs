using System.Diagnostics;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Weights;

public sealed class WeightExporterTests
{
    private static readonly WeightTensor[] Tensors =
    [
        WeightTensor.FromFloats("a.weight", [2, 3], [1, 2, 3, 4, 5, 6.5f]),
        WeightTensor.FromFloats("scalar", [], [-3]),
        WeightTensor.FromInt64s("steps", [2], [7, long.MaxValue]),
        new("half", Dtypes.F16, [2], new byte[] { 0, 60, 0, 64 }),
        new("brain", Dtypes.BF16, [1], new byte[] { 0x80, 0x3f }),
        new("mask", Dtypes.Bool, [3], new byte[] { 1, 0, 1 }),
    ];

    private static readonly Dictionary<string, string> Said = new(StringComparer.Ordinal) { ["xkd.encoder"] = "mean \"−5\"", ["other"] = "text" };

    [Fact]
    public void Write_PthWithMetadata_ReadsBackTextsAndTensors()
    {
        using var folder = new TemporaryFolder();
        WeightExporter.Write(folder.File("w.pth"), Tensors, Said);
        WeightExporter.Write(folder.File("bare.pth"), Tensors);

        Assert.Equal(Said, PickleReader.Metadata(folder.File("w.pth")));
        Assert.Equal(PickleReaderTests.Digest(Tensors), PickleReaderTests.Digest(PickleReader.Read(folder.File("w.pth"))));
        Assert.Empty(PickleReader.Metadata(folder.File("bare.pth")));
    }

    [Fact]
    public void Write_Pth_ReadsBackTheSame()
    {
        using var folder = new TemporaryFolder();
        WeightExporter.Write(folder.File("w.pth"), Tensors);

        var read = PickleReader.Read(folder.File("w.pth"));

        Assert.Equal(Tensors.Select(t => t.Name), read.Select(t => t.Name));
        Assert.Equal(PickleReaderTests.Digest(Tensors), PickleReaderTests.Digest(read));
    }

    [Fact]
    public void Write_Pth_AlignsEveryRecordTo64Bytes()
    {
        using var folder = new TemporaryFolder();
        WeightExporter.Write(folder.File("w.pth"), Tensors);
        var bytes = File.ReadAllBytes(folder.File("w.pth"));

        var records = 0;
        for (var at = 0; bytes.AsSpan(at).StartsWith("PK\u0003\u0004"u8); records++)
        {
            var data = at + 30 + BitConverter.ToUInt16(bytes, at + 26) + BitConverter.ToUInt16(bytes, at + 28);
            Assert.Equal(0, data % 64);
            at = data + (int)BitConverter.ToUInt32(bytes, at + 18);
        }

        Assert.Equal(Tensors.Length + 3, records);
    }

    [Fact]
    public void Write_UnknownExtension_IsRefused() =>
        Assert.Contains(".safetensors or .pth", Assert.Throws<UsageException>(() => WeightExporter.Write("weights.onnx", Tensors)).Message);

    [Fact]
    public async Task Write_Pth_LoadsStrictlyInPyTorch()
    {
        var cancel = TestContext.Current.CancellationToken;
        Assert.SkipUnless(await Python("import torch", cancel) == 0, "no python3 with PyTorch on this machine");
        using var folder = new TemporaryFolder();
        WeightExporter.Write(folder.File("w.pth"), [WeightTensor.FromFloats("weight", [2, 3], [1, 2, 3, 4, 5, 6.5f]), WeightTensor.FromFloats("bias", [2], [-1, 0.25f])]);
        WeightExporter.Write(folder.File("types.pth"), Tensors);
        WeightExporter.Write(
            folder.File("said.pth"), [WeightTensor.FromFloats("0.weight", [2, 3], [1, 2, 3, 4, 5, 6.5f]), WeightTensor.FromFloats("0.bias", [2], [-1, 0.25f])], Said);

        var code = await Python(
            $"""
            import torch
            linear = torch.nn.Linear(3, 2)
            state = torch.load('{folder.File("w.pth")}', map_location='cpu')
            assert type(state).__name__ == 'OrderedDict'
            linear.load_state_dict(state, strict=True)
            assert linear.weight.tolist() == [[1, 2, 3], [4, 5, 6.5]] and linear.bias.tolist() == [-1, 0.25]
            stacked = torch.nn.Sequential(torch.nn.Linear(3, 2))
            said = torch.load('{folder.File("said.pth")}')
            assert type(said).__name__ == 'OrderedDict' and list(said) == ['0.weight', '0.bias']
            assert said._metadata['xkd.encoder'] == 'mean "−5"' and said._metadata['other'] == 'text'
            stacked.load_state_dict(said, strict=True)
            assert stacked[0].weight.tolist() == [[1, 2, 3], [4, 5, 6.5]]
            torch.save(said, '{folder.File("again.pth")}')
            try:
                restricted = torch.load('{folder.File("said.pth")}', weights_only=True)
            except TypeError:
                restricted = said # before 1.13 there was no such reader
            assert restricted._metadata['xkd.encoder'] == 'mean "−5"'
            stacked.load_state_dict(restricted, strict=True)
            types = torch.load('{folder.File("types.pth")}')
            assert types['steps'].tolist() == [7, 2**63 - 1] and types['half'].tolist() == [1, 2] and types['scalar'].item() == -3
            assert types['brain'].dtype == torch.bfloat16 and types['mask'].tolist() == [True, False, True]
            """, cancel);

        Assert.Equal(0, code);
        Assert.Equal(Said, PickleReader.Metadata(folder.File("again.pth"))); // PyTorch carries it along
    }

    private static async Task<int> Python(string code, CancellationToken cancel)
    {
        // Debian's python3-torch belongs to the system's interpreter, which need not be the first on the path.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(python, ["-c", code]) { RedirectStandardError = true, UseShellExecute = false })!;
            var error = await process.StandardError.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            TestContext.Current.SendDiagnosticMessage(error);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
