using System.Diagnostics;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

public sealed class MklVendorCheckTests
{
    private const string Amd = "AuthenticAMD", Hygon = "HygonGenuine", Intel = "GenuineIntel";

    [Theory]
    [InlineData(Amd, true, null, true)]
    [InlineData(Amd, true, "auto", true)]
    [InlineData(Hygon, true, "", true)]
    [InlineData(Amd, true, "off", false)]
    [InlineData(Amd, false, "auto", false)]
    [InlineData(Intel, true, null, false)]
    [InlineData("CentaurHauls", true, null, false)]
    [InlineData("", false, null, false)]
    public void Choose_ByProcessorAndSetting_AnswersOnlyWhereItIsKnownToBeSafe(string vendor, bool vectors, string? setting, bool expected) =>
        Assert.Equal(expected, Check(vendor, vectors, setting).Choose().Answer);

    [Fact]
    public void Choose_UnknownSetting_NamesTheVariableAndItsValues()
    {
        var error = Assert.Throws<UsageException>(() => Check(Intel, true, "on").Choose());

        Assert.Contains("XKD_MKL=on: write auto", error.Message);
    }

    [Fact]
    public void Load_OnThisMachine_TakesThePathThatWasChosen()
    {
        var mkl = LibTorch.Load().Mkl;
        Assert.SkipWhen(mkl is null, "this libtorch has no MKL within");
        var check = new MklVendorCheck();

        Assert.Equal(check.Vendor == Intel || check.Choose().Answer, mkl.Fast);
    }

    [Fact]
    public async Task Load_SwitchedOff_LeavesMklToItself()
    {
        Assert.SkipUnless(new MklVendorCheck { Environment = _ => null }.Choose().Answer && LibTorch.Load().Mkl is not null, "there is nothing to switch off on this processor");
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["-method", $"{typeof(MklVendorCheckTests).FullName}.{nameof(Load_OnThisMachine_TakesThePathThatWasChosen)}"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, Environment = { [MklPath.Variable] = "off" },
        };

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1,", StringComparison.Ordinal), output);
    }

    private static MklVendorCheck Check(string vendor, bool vectors, string? setting) => new() { Vendor = vendor, HasVectors = vectors, Environment = _ => setting };
}
