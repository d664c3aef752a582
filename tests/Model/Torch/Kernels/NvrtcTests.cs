using System.Diagnostics;
using System.Text.RegularExpressions;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

/// <summary>
/// The kernels as NVIDIA's compiler makes them, for an A100 and an H100 or H200. The compiler is XKD_NVRTC, or what tools/gpu/nvrtc.sh fetches into the folder of builds.
/// </summary>
public sealed partial class NvrtcTests
{
    // Registers of a multiprocessor, and the blocks of 128 threads that a launch counts on.
    private const int Registers = 65_536;

    private static readonly Lazy<(Nvrtc? Compiler, string Missing)> Found = new(Find);

    /// <summary>No value waits in memory for want of a register, and three blocks fit a multiprocessor (two of the widest).</summary>
    [Theory]
    [InlineData(80, 192, 3)]
    [InlineData(90, 192, 3)]
    [InlineData(80, 384, 3)]
    [InlineData(90, 384, 3)]
    [InlineData(80, 768, 3)]
    [InlineData(90, 768, 3)]
    [InlineData(80, 1024, 2)]
    [InlineData(90, 1024, 2)]
    public void Compile_EveryKernel_FitsItsRegisters(int capability, int width, int blocks)
    {
        foreach (var stream in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            var (code, log) = Compiler().Compile(KernelProgram.Source, capability, [.. KernelProgram.Options(width, stream), "--ptxas-options=-v"]);

            Assert.Equal("\u007fELF"u8, code.AsSpan(0, 4));
            var kernels = Report().Matches(log);
            Assert.Equal(KernelProgram.Names.Order(), kernels.Select(static kernel => kernel.Groups["name"].Value).Order());
            Assert.All(kernels, kernel =>
            {
                Assert.Equal(("0", "0"), (kernel.Groups["stores"].Value, kernel.Groups["loads"].Value));
                Assert.InRange(int.Parse(kernel.Groups["registers"].Value, null), 8, Registers / KernelProgram.Threads / blocks);
            });
        }
    }

    [Fact]
    public void Compile_GpuOfTheFuture_GivesWhatItsDriverCompiles() =>
        Assert.Contains(".visible .entry add_norm_backward", System.Text.Encoding.ASCII.GetString(Compiler().Compile(KernelProgram.Source, 999, KernelProgram.Options(384, ScalarType.Float32)).Code));

    [Fact]
    public void Compile_SourceThatIsWrong_SaysWhere()
    {
        var failed = Assert.Throws<Xkd.Storage.UsageException>(() => Compiler().Compile("__global__ void f() { nothing(); }", 90));
        Assert.Contains("identifier \"nothing\" is undefined", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LibraryThatIsNone_IsNull() => Assert.Null(Nvrtc.Open("libc.so.6"));

    private static Nvrtc Compiler()
    {
        Assert.SkipWhen(Found.Value.Compiler is null, Found.Value.Missing);
        return Found.Value.Compiler!;
    }

    private static (Nvrtc? Compiler, string Missing) Find()
    {
        if (Environment.GetEnvironmentVariable("XKD_NVRTC") is { Length: > 0 } given)
        {
            return (Nvrtc.Open(given) ?? throw new InvalidOperationException($"XKD_NVRTC={given} is no libnvrtc"), "");
        }

        var folder = Path.Combine(RepositoryRoot.Path, ".build", "nvrtc");
        using var fetch = Process.Start(new ProcessStartInfo(Path.Combine(RepositoryRoot.Path, "tools", "gpu", "nvrtc.sh"), folder) { RedirectStandardError = true, UseShellExecute = false })!;
        var said = fetch.StandardError.ReadToEnd();
        fetch.WaitForExit();
        var library = fetch.ExitCode == 0 ? Directory.GetFiles(folder, "libnvrtc.so.*").Order(StringComparer.Ordinal).First() : null;
        return library is null ? (null, $"the kernels were not compiled: {said.Trim()}") : (Nvrtc.Open(library), $"{library} does not load");
    }

    [GeneratedRegex(@"Compiling entry function '(?<name>\w+)'.*?(?<stores>\d+) bytes spill stores, (?<loads>\d+) bytes spill loads.*?Used (?<registers>\d+) registers", RegexOptions.Singleline)]
    private static partial Regex Report();
}
