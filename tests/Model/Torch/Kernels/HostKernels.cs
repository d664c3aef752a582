using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

/// <summary>The kernels' source compiled for the host by g++: the threads of a block take turns (shim.h). Slow, and all that is computed is what a GPU computes.</summary>
internal sealed unsafe class HostKernels : IKernelProgram
{
    private static readonly Lock Gate = new(); // the threads' state is the library's
    private static readonly string Folder = Directory.CreateTempSubdirectory("xkd-kernels-").FullName;
    private static int made;
    private readonly delegate* unmanaged<byte*, int, int, void**, int> _launch;

    static HostKernels() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => Directory.Delete(Folder, recursive: true);

    public HostKernels(int width, ScalarType stream = ScalarType.Float32, Func<string, string>? change = null)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{width}-{Interlocked.Increment(ref made)}");
        var parts = Path.Combine(AppContext.BaseDirectory, "Torch", "Kernels");
        var (source, library) = (Path.Combine(Folder, $"{name}.cpp"), Path.Combine(Folder, $"{name}.so"));
        File.WriteAllText(source, File.ReadAllText(Path.Combine(parts, "shim.h")) + (change?.Invoke(KernelProgram.Source) ?? KernelProgram.Source) + File.ReadAllText(Path.Combine(parts, "launch.h")));
        using var compiler = Process.Start("g++", ["-std=c++17", "-O2", "-shared", "-fPIC", .. KernelProgram.Options(width, stream), source, "-o", library]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        _launch = (delegate* unmanaged<byte*, int, int, void**, int>)NativeLibrary.GetExport(NativeLibrary.Load(library), "launch");
    }

    /// <summary>Kernels launched so far, by name.</summary>
    public static Dictionary<string, int> Launched { get; } = [];

    public int Blocks => 3; // fewer than rows want: sums over blocks have several parts, blocks several rows

    /// <summary>Skips the test where there is no compiler.</summary>
    public static FusedKernels Make(ScalarType stream = ScalarType.Float32)
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(static folder => File.Exists(Path.Combine(folder, "g++")));
        Assert.SkipUnless(found, "the kernels are run by a C++ compiler: apt-get install g++");
        return new FusedKernels(width => new HostKernels(width, stream), stream);
    }

    public void Launch(string kernel, (int X, int Y) grid, ReadOnlySpan<nint> arguments)
    {
        lock (Gate)
        {
            Launched[kernel] = Launched.GetValueOrDefault(kernel) + 1;
            fixed (nint* values = arguments)
            fixed (byte* name = System.Text.Encoding.ASCII.GetBytes(kernel + '\0'))
            {
                var slots = stackalloc void*[arguments.Length];
                for (var i = 0; i < arguments.Length; i++)
                {
                    slots[i] = values + i;
                }

                if (_launch(name, grid.X, grid.Y, slots) != 0)
                {
                    throw new FailureException(string.Create(CultureInfo.InvariantCulture, $"no kernel {kernel}"));
                }
            }
        }
    }
}
