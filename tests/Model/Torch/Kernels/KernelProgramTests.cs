using Xkd.Model.Tests.Training;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

/// <summary>What the driver is asked to load and launch.</summary>
public sealed class KernelProgramTests
{
    [Fact]
    public void Launch_Kernel_GoesToLibtorchsStreamWithItsArguments()
    {
        LibTorch.Load();
        StandInCuda driver = new();
        List<int> compiled = [];
        KernelProgram program = new(3, capability => { compiled.Add(capability); return "M"u8.ToArray(); }, StandInCuda.Export);
        program.Launch("gelu_forward", (6, 40), [17, (nint)1 << 40]);

        Assert.Equal([90], compiled);
        Assert.Equal(30, program.Blocks);
        Assert.Equal([$"gelu_forward 6x40x1 of 128x1x1, 0 bytes, on 200: 17 {1L << 40}"], driver.Calls);
    }

    [Fact]
    public void Launch_DriverRefuses_NamesTheKernelAndTheWayOut()
    {
        LibTorch.Load();
        StandInCuda driver = new() { LaunchResult = 701 };
        KernelProgram program = new(3, static _ => "M"u8.ToArray(), StandInCuda.Export);

        var failed = Assert.Throws<FailureException>(() => program.Launch("patch_error", (1, 1), [0, 0]));

        Assert.Equal("cuLaunchKernel of patch_error failed with 701: the GPU or its driver refused a kernel; train.kernels=plain does without them", failed.Message);
        Assert.Single(driver.Calls);
    }

    [Fact]
    public void Constructor_ModuleThatIsNone_NamesTheCall()
    {
        LibTorch.Load();
        StandInCuda driver = new();
        var failed = Assert.Throws<FailureException>(() => new KernelProgram(3, static _ => "X"u8.ToArray(), StandInCuda.Export));
        Assert.StartsWith("cuModuleGetFunction failed with 1", failed.Message, StringComparison.Ordinal);
        Assert.Empty(driver.Calls);
    }
}
