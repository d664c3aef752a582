using System.Security.Cryptography;
using System.Text;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Weights;

public sealed class PickleReaderTests
{
    // SHA-256 over the tensors of the golden case, sorted by name: "name dtype [shape]\n" and the raw bytes. Computed from the reference's own numbers.
    private const string AudioFloat = "d276686a4a02506e96cf1979e001a5bd322f5f52cc23f35614a56b8900d8a220";
    private const string AudioHalf = "be68c2382d248313189d3625aebf38c13f05809b24203c892b882c16574d5635";
    private const string VideoFloat = "ff2046484fdc9f756c26c6656dea6a497e93f2210524ae7b4fb5aa7a122a9f3c";

    [Theory]
    [InlineData("vit_audio_cls.zip.pth.tar", "", AudioFloat)]
    [InlineData("vit_audio_cls.legacy.pth.tar", "", AudioFloat)]
    [InlineData("vit_audio_cls.training_checkpoint.pth.tar", "module.", AudioFloat)]
    [InlineData("vit_audio_cls.half.pth.tar", "", AudioHalf)]
    [InlineData("vit_video_cls.zip.pth.tar", "", VideoFloat)]
    public void Read_FileOfEachContainer_GivesTheReferenceTensors(string file, string prefix, string expected)
    {
        var tensors = PickleReader.Read(GoldenFiles.PyTorch(file));

        Assert.All(tensors, tensor => Assert.StartsWith(prefix, tensor.Name, StringComparison.Ordinal));
        Assert.Equal(expected, Digest(tensors, prefix.Length));
    }

    [Fact]
    public void Read_ViewsAndTypes_LaysEachOutRowMajor()
    {
        var tensors = PickleReader.Read(GoldenFiles.PyTorch("views_and_dtypes.pth.tar")).ToDictionary(tensor => tensor.Name);
        float[] big = [.. Enumerable.Range(0, 24)];

        Check("view", Dtypes.F32, [2, 3], 8, 9, 10, 14, 15, 16);
        Check("transposed", Dtypes.F32, [6, 4], [.. Enumerable.Range(0, 24).Select(i => (float)((i % 4 * 6) + (i / 4)))]);
        Check("same_storage", Dtypes.F32, [4], 5, 6, 7, 8);
        Check("bf16", Dtypes.BF16, [4, 6], big);
        Check("i64", Dtypes.I64, [5], 0, 1, 2, 3, 4);
        Check("bool", Dtypes.Bool, [2], 1, 0);
        Check("scalar", Dtypes.F32, [], 3.5f);
        Assert.Equal(7, tensors.Count);

        void Check(string name, string dtype, long[] shape, params float[] values)
        {
            Assert.Equal(dtype, tensors[name].Dtype);
            Assert.Equal(shape, tensors[name].Shape);
            Assert.Equal(values, tensors[name].ToFloats());
        }
    }

    [Fact]
    public void Read_PickleThatNamesACommand_IsRefusedByName()
    {
        // What a hostile file looks like: os.system('…') run on loading.
        using var folder = new TemporaryFolder();
        var file = folder.File("hostile.pth");
        File.WriteAllBytes(file, LegacyFile("cos\nsystem\n(X\u0004\u0000\u0000\u0000truetR."u8));

        var error = Assert.Throws<FailureException>(() => PickleReader.Read(file));

        Assert.Contains("os.system", error.Message);
        Assert.Contains(file, error.Message);
    }

    [Theory]
    [InlineData("builtins", "eval")]
    [InlineData("torch", "load")]
    [InlineData("torch.nn.modules.linear", "Linear")]
    public void Read_GlobalBeyondTheList_IsRefusedByName(string module, string name)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("odd.pth");
        File.WriteAllBytes(file, LegacyFile(Encoding.ASCII.GetBytes($"c{module}\n{name}\n.")));

        Assert.Contains($"{module}.{name}", Assert.Throws<FailureException>(() => PickleReader.Read(file)).Message);
    }

    [Fact]
    public void Read_ExpandedTensorOfAbsurdSize_IsRefused()
    {
        // One stored element, strides of zero, 2^40 elements claimed.
        using var folder = new TemporaryFolder();
        var file = folder.File("expanded.pth");
        byte[] pickle =
        [
            .. "}X\u0001\u0000\u0000\u0000wctorch._utils\n_rebuild_tensor_v2\n((X\u0007\u0000\u0000\u0000storagectorch\nFloatStorage\nX\u0001\u0000\u0000\u00000X\u0003\u0000\u0000\u0000cpuK\u0001tQK\u0000"u8,
            0x8a, 6, 0, 0, 0, 0, 0, 1, 0x85, (byte)'K', 0, 0x85, 0x89, (byte)'N', (byte)'t', (byte)'R', (byte)'s', (byte)'.',
        ];
        File.WriteAllBytes(file, [.. LegacyFile(pickle), .. "]X\u0001\u0000\u0000\u00000a."u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63]);

        Assert.Contains("claim more than", Assert.Throws<FailureException>(() => PickleReader.Read(file)).Message);
    }

    [Fact]
    public void Read_OneListPassedToManyCalls_IsNotCopiedEachTime()
    {
        // A list of 50 000 pairs made into a dict 50 000 times: 2.5 billion entries where each call copies them.
        using var folder = new TemporaryFolder();
        var file = folder.File("copies.pth");
        byte[] pairs = [.. Enumerable.Repeat(new byte[] { (byte)'K', 1, (byte)'K', 2, 0x86 }, 50_000).SelectMany(bytes => bytes)];
        byte[] calls = [.. Enumerable.Repeat(new byte[] { (byte)'h', 1, (byte)'h', 2, 0x85, (byte)'R', (byte)'0' }, 50_000).SelectMany(bytes => bytes)];
        byte[] pickle = [.. "ccollections\nOrderedDict\nq\u00010]q\u0002("u8, .. pairs, .. "e0"u8, .. calls, .. "N."u8];
        File.WriteAllBytes(file, LegacyFile(pickle));
        var before = GC.GetAllocatedBytesForCurrentThread();

        var error = Assert.Throws<FailureException>(() => PickleReader.Read(file));

        Assert.Contains("truncated", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100L << 20);
    }

    [Fact]
    public void Read_DamagedStorage_IsFoundByItsChecksum()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(GoldenFiles.PyTorch("vit_audio_cls.zip.pth.tar"));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(folder.File("damaged.pth"), bytes);

        Assert.Contains("checksum", Assert.Throws<FailureException>(() => PickleReader.Read(folder.File("damaged.pth"))).Message);
    }

    [Theory]
    [InlineData("vit_audio_cls.zip.pth.tar")]
    [InlineData("vit_audio_cls.legacy.pth.tar")]
    public void Read_TruncatedFile_FailsNamingIt(string name)
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(GoldenFiles.PyTorch(name));
        foreach (var length in new[] { 0, 1, 4, 100, 2000, bytes.Length / 2, bytes.Length - 1 })
        {
            var file = folder.File($"{length}.pth");
            File.WriteAllBytes(file, bytes[..length]);
            Assert.Contains(file, Assert.Throws<FailureException>(() => PickleReader.Read(file)).Message);
        }
    }

    [Theory]
    [InlineData("views_and_dtypes.pth.tar", 3000)]
    [InlineData("vit_audio_cls.half.pth.tar", 300)]
    [InlineData("vit_audio_cls.legacy.pth.tar", 300)]
    [InlineData("vit_audio_cls.training_checkpoint.pth.tar", 300)]
    public void Read_MutatedFiles_EitherReadOrFailWithoutAbsurdAllocation(string name, int mutations)
    {
        using var folder = new TemporaryFolder();
        var original = File.ReadAllBytes(GoldenFiles.PyTorch(name));
        var random = new Random(20_231);
        var refused = 0;
        for (var i = 0; i < mutations; i++)
        {
            var file = folder.File("mutant.pth");
            File.WriteAllBytes(file, Mutate(original, random));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                PickleReader.Read(file);
            }
            catch (FailureException)
            {
                refused++;
            }

            // The tensors, their storages and the reader's own working memory; a claimed gigabyte would show.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (100L << 20) + (10 * original.Length));
        }

        Assert.InRange(refused, mutations / 20, mutations);
    }

    internal static string Digest(IEnumerable<WeightTensor> tensors, int skip = 0)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Name[skip..], StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.Name[skip..]} {tensor.Dtype} [{string.Join(", ", tensor.Shape)}]\n"));
            hash.AppendData(tensor.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The three pickles before the object's, as torch.save wrote them before 1.6.
    private static byte[] LegacyFile(ReadOnlySpan<byte> pickle) =>
    [
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.',
        0x80, 2, (byte)'M', 0xe9, 0x03, (byte)'.',
        0x80, 2, (byte)'}', (byte)'.',
        0x80, 2, .. pickle,
    ];

    // Half of the mutations hit the first and last 2 KB, where headers, pickles and directories are.
    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = (byte[])original.Clone();
        var count = 1 + random.Next(8);
        for (var i = 0; i < count; i++)
        {
            var at = random.Next(4) switch
            {
                0 => random.Next(Math.Min(2048, bytes.Length)),
                1 => bytes.Length - 1 - random.Next(Math.Min(2048, bytes.Length)),
                _ => random.Next(bytes.Length),
            };
            switch (random.Next(3))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                default: bytes.AsSpan(at, Math.Min(4, bytes.Length - at)).Fill(0xff); break;
            }
        }

        return random.Next(10) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }
}
