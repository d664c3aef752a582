using System.Globalization;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>The kernels, compiled for one width and ready to be launched.</summary>
internal interface IKernelProgram
{
    /// <summary>Blocks that keep the processor busy; a sum over blocks has so many parts at most.</summary>
    int Blocks { get; }

    /// <summary>Runs a kernel after all that was launched before by this thread, in blocks of <see cref="KernelProgram.Threads"/> threads.</summary>
    /// <param name="kernel">Its name.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="arguments">Addresses and counts, in the kernel's order, 8 bytes each.</param>
    void Launch(string kernel, (int X, int Y) grid, ReadOnlySpan<nint> arguments);
}

/// <summary>The kernels on a GPU: NVRTC compiles them, the driver launches them on libtorch's current stream.</summary>
internal sealed unsafe class KernelProgram : IKernelProgram
{
    public const int Threads = 128;
    private const int Multiprocessors = 16, Major = 75, Minor = 76; // CUdevice_attribute

    private readonly int _device;
    private readonly nint _context;
    private readonly Dictionary<string, nint> _functions;
    private readonly delegate* unmanaged<nint, int> _setContext;
    private readonly delegate* unmanaged<int, nint*, int> _stream;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> _launch;

    /// <param name="device">Number of the GPU.</param>
    /// <param name="compile">Machine code of the kernels for a capability, ten times major plus minor.</param>
    /// <param name="export">Address of a function of libcuda.so.1 or libtorch.</param>
    /// <exception cref="UsageException">The kernels do not compile, or a function is missing.</exception>
    public KernelProgram(int device, Func<int, byte[]> compile, Func<string, nint> export)
    {
        _device = device;
        _setContext = (delegate* unmanaged<nint, int>)export("cuCtxSetCurrent");
        _stream = (delegate* unmanaged<int, nint*, int>)export("aoti_torch_get_current_cuda_stream");
        _launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)export("cuLaunchKernel");
        var attribute = (delegate* unmanaged<int*, int, int, int>)export("cuDeviceGetAttribute");
        nint context, loaded;
        Require(((delegate* unmanaged<uint, int>)export("cuInit"))(0), "cuInit"); // once more does nothing
        Require(((delegate* unmanaged<nint*, int, int>)export("cuDevicePrimaryCtxRetain"))(&context, device), "cuDevicePrimaryCtxRetain");
        Require(_setContext(_context = context), "cuCtxSetCurrent");
        Capability = (10 * Attribute(Major)) + Attribute(Minor);
        Blocks = 3 * Attribute(Multiprocessors); // as many as there is room for in the registers of one that sums gradients
        fixed (byte* code = compile(Capability))
        {
            Require(((delegate* unmanaged<nint*, byte*, int>)export("cuModuleLoadData"))(&loaded, code), "cuModuleLoadData");
        }

        var module = loaded;
        _functions = Names.ToDictionary(name => name, name =>
        {
            nint function;
            fixed (byte* text = System.Text.Encoding.ASCII.GetBytes(name + '\0'))
            {
                Require(((delegate* unmanaged<nint*, nint, byte*, int>)export("cuModuleGetFunction"))(&function, module, text), "cuModuleGetFunction");
            }

            return function;
        });

        int Attribute(int which)
        {
            int value;
            Require(attribute(&value, which, device), "cuDeviceGetAttribute");
            return value;
        }
    }

    /// <summary>CUDA C++ of the kernels.</summary>
    public static string Source { get; } = ReadSource();

    /// <summary>Names of the kernels.</summary>
    public static IReadOnlyList<string> Names { get; } = ["add_norm_forward", "add_norm_backward", "gelu_forward", "gelu_backward", "patch_error"];

    public int Blocks { get; }

    /// <summary>Ten times major plus minor: 90.</summary>
    public int Capability { get; }

    /// <summary>The compiler's options.</summary>
    /// <param name="width">Of the residual stream.</param>
    /// <param name="stream">What the stream is kept in.</param>
    public static string[] Options(int width, ScalarType stream) =>
        [string.Create(CultureInfo.InvariantCulture, $"-DWIDTH={width}"), .. stream == ScalarType.BFloat16 ? ["-DNARROW"] : Array.Empty<string>()];

    public void Launch(string kernel, (int X, int Y) grid, ReadOnlySpan<nint> arguments)
    {
        nint stream;
        Require(_stream(_device, &stream), "aoti_torch_get_current_cuda_stream");
        Require(_setContext(_context), "cuCtxSetCurrent"); // backward runs on a thread of libtorch's
        fixed (nint* values = arguments)
        {
            var slots = stackalloc void*[arguments.Length];
            for (var i = 0; i < arguments.Length; i++)
            {
                slots[i] = values + i;
            }

            Require(_launch(_functions[kernel], (uint)grid.X, (uint)grid.Y, 1, Threads, 1, 1, 0, stream, slots, null), $"cuLaunchKernel of {kernel}");
        }
    }

    private static string ReadSource()
    {
        using StreamReader reader = new(typeof(KernelProgram).Assembly.GetManifestResourceStream("kernels.cu")!);
        return reader.ReadToEnd();
    }

    private static void Require(int result, string function)
    {
        if (result != 0)
        {
            throw new FailureException($"{function} failed with {result}: the GPU or its driver refused a kernel; train.kernels=plain does without them");
        }
    }
}
