using TorchSharp;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

public sealed class DoctorTests
{
    [Fact]
    public void Run_OnThisMachine_FindsLibTorchWithRightNumbers()
    {
        var checks = Doctor.Run();

        Assert.Equal(["libtorch", "devices", "numerics cpu"], checks.Take(3).Select(check => check.Name));
        Assert.Equal(["memory", "disk", "threads"], checks.TakeLast(3).Select(check => check.Name));
        Assert.All(checks.Take(3), check => Assert.True(check.Ok, check.Detail));
        Assert.All(checks.Where(check => !check.Ok), check => Assert.NotNull(check.Remedy));
    }

    [Fact]
    public void Run_TooLittleOfEverything_SaysWhatToDo()
    {
        var checks = Doctor.Run(new DoctorOptions { DiskBytes = long.MaxValue, MemoryBytes = long.MaxValue, Variable = _ => "many" });

        Assert.All(checks.TakeLast(3), check =>
        {
            Assert.False(check.Ok);
            Assert.NotNull(check.Remedy);
        });
    }

    [Fact]
    public void Run_FolderWithoutLibTorch_IsAFindingNotAnError()
    {
        using var folder = new TemporaryFolder();

        var check = Doctor.Run(new DoctorOptions { LibTorchDirectory = folder.Path })[0];

        Assert.False(check.Ok);
        Assert.Contains(folder.Path, check.Detail);
    }

    [Fact]
    public void Threads_OfTheEnvironment_AreTheNumberOrAnError()
    {
        Assert.Equal(3, Devices.Threads("3"));
        Assert.Null(Devices.Threads(string.Empty));
        Assert.All(["0", "-1", "many", "1.5"], wrong => Assert.Contains($"XKD_THREADS is {wrong}", Assert.Throws<UsageException>(() => Devices.Threads(wrong)).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void SmokeTest_WrongStep_IsNoticed()
    {
        LibTorch.Load();

        Assert.Null(NumericSmokeTest.Run(torch.CPU));
        Assert.NotNull(NumericSmokeTest.Run(torch.CPU, weightDecay: 30));
    }
}
