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
