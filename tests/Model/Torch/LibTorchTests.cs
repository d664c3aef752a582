using System.Text;
using TorchSharp;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

public sealed class LibTorchTests
{
    [Fact]
    public void Load_OnThisMachine_ComputesAProduct()
    {
        var info = LibTorch.Load();
        torch.set_num_threads(1);

        using var product = torch.tensor(new float[] { 1, 2, 3, 4 }).reshape(2, 2).matmul(torch.tensor(new float[] { 5, 6, 7, 8 }).reshape(2, 2));

        Assert.Equal([19f, 22f, 43f, 50f], product.data<float>().ToArray());
        Assert.Matches(@"^\d+\.\d+\.\d+$", info.Version);
        Assert.True(File.Exists(Path.Combine(info.Directory, "libtorch_cpu.so")));
        Assert.Equal(info.CudaAvailable, info.CudaDeviceCount > 0);
    }

    [Fact]
    public void LoadFile_DamagedLibrary_SaysWhichAndTheFix()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("libtorch_cpu.so"), "not a library");

        var error = Assert.Throws<UsageException>(() => LibTorch.LoadFile(folder.File("libtorch_cpu.so"), folder.Path));

        Assert.Contains(folder.File("libtorch_cpu.so"), error.Message);
        Assert.Contains("--libtorch", error.Message);
    }

    [Fact]
    public void LoadFile_BindingThatCallsWhatIsMissing_NamesItBeforeFirstUse()
    {
        const string Called = "_ZN3c104impl3cow23materialize_cow_storageERNS_11StorageImplE";
        var info = LibTorch.Load();
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(LibTorchSharpCopy.Ensure(new LibTorchLocator().FindBinding(info.Directory), folder.Path));
        var names = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"\0{Called}\0")); // of the dynamic symbols: those of debuggers come later
        Assert.NotEqual(-1, names);
        bytes[names + Called.Length] = (byte)'X';
        var damaged = folder.File(LibTorchLocator.BindingName);
        File.WriteAllBytes(damaged, bytes);

        var error = Assert.Throws<UsageException>(() => LibTorch.LoadFile(damaged, "libtorch 2.99.0 in /torch/lib"));

        Assert.Contains($"undefined symbol: {Called[..^1]}X)", error.Message);
        Assert.Contains("libtorch 2.99.0 in /torch/lib", error.Message);
        Assert.Contains("name a libtorch 2.10 with --libtorch or XKD_LIBTORCH", error.Message);
    }

    [Theory]
    [InlineData(2, 10, 0, "2.10.0")]
    [InlineData(2, 13, 1, "2.13.1")]
    [InlineData(3, 0, 0, "3.0.0")]
    public void Accept_VersionThatTorchSharpIsBuiltForOrLater_IsItsText(ulong major, ulong minor, ulong patch, string expected) =>
        Assert.Equal(expected, LibTorch.Accept((major << 56) | (minor << 48) | (patch << 40) | 0xff, "/torch/lib"));

    [Theory]
    [InlineData(2, 9, 1, "2.9.1")]
    [InlineData(1, 13, 0, "1.13.0")]
    [InlineData(0, 0, 0, "before 2.9")]
    public void Accept_OlderVersion_IsRefusedWithItsFolderAndTheFix(ulong major, ulong minor, ulong patch, string expected) => Assert.Equal(
        $"libtorch {expected} in /torch/lib is too old: name a libtorch 2.10 with --libtorch or XKD_LIBTORCH.",
        Assert.Throws<UsageException>(() => LibTorch.Accept((major << 56) | (minor << 48) | (patch << 40), "/torch/lib")).Message);

    [Fact]
    public void LoadFrom_LibraryThatTellsNoVersion_IsRefusedBeforeTheBinding()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("libtorch_cpu.so"), ElfFunction.Library("xkd_no_version", 0));

        var error = Assert.Throws<UsageException>(() => LibTorch.LoadFrom(new LibTorchLocator(), folder.Path));

        Assert.Contains($"libtorch before 2.9 in {folder.Path} is too old", error.Message);
    }

    [Fact]
    public async Task Load_FromManyThreads_GivesOneResult()
    {
        var cancel = TestContext.Current.CancellationToken;
        var infos = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => LibTorch.Load(), cancel)));

        Assert.All(infos, info => Assert.Same(infos[0], info));
    }

    [Fact]
    public void Load_SameDirectoryAgain_IsAccepted()
    {
        var info = LibTorch.Load();

        Assert.Same(info, LibTorch.Load(info.Directory + Path.DirectorySeparatorChar + "."));
    }

    [Fact]
    public void Load_AnotherDirectory_IsRefusedNamingBoth()
    {
        var info = LibTorch.Load();
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("libtorch_cpu.so"), []);

        var error = Assert.Throws<UsageException>(() => LibTorch.Load(folder.Path));

        Assert.Contains(info.Directory, error.Message);
        Assert.Contains(folder.Path, error.Message);
    }
}
