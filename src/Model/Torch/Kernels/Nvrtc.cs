using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>NVIDIA's runtime compiler: CUDA C++ to the machine code of a GPU. It needs no driver and no GPU. A PyTorch install brings it.</summary>
internal sealed unsafe class Nvrtc
{
    private readonly nint _library;

    private Nvrtc(nint library, string version) => (_library, Version) = (library, version);

    /// <summary>Such as "12.4".</summary>
    public string Version { get; }

    /// <summary>The one beside libtorch, of the same Python packages, or the system's; null where there is none.</summary>
    /// <param name="libtorch">Folder of libtorch's libraries.</param>
    public static Nvrtc? Find(string libtorch)
    {
        var packages = Path.Combine(libtorch, "..", "..", "nvidia"); // where wheels put them: site-packages/nvidia/cu13/lib, site-packages/nvidia/cuda_nvrtc/lib
        string[] folders = [libtorch, .. Directory.Exists(packages) ? Directory.GetDirectories(packages).Select(static package => Path.Combine(package, "lib")) : []];
        var files = folders.Where(Directory.Exists).SelectMany(static folder => Directory.GetFiles(folder, "libnvrtc*.so*"))
            .Where(static file => !file.Contains("builtins", StringComparison.Ordinal) && !file.Contains(".alt.", StringComparison.Ordinal));
        return files.Concat(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"]).Select(Open).FirstOrDefault(static found => found is not null);
    }

    /// <summary>Opens a library by path or name; null where it is not there or is no NVRTC.</summary>
    public static Nvrtc? Open(string file)
    {
        int major, minor;
        var beside = Path.GetDirectoryName(file);
        foreach (var builtins in string.IsNullOrEmpty(beside) ? [] : Directory.GetFiles(beside, "libnvrtc-builtins*.so*"))
        {
            NativeLibrary.TryLoad(builtins, out _); // asked for by name when something is compiled
        }

        return NativeLibrary.TryLoad(file, out var library) && NativeLibrary.TryGetExport(library, "nvrtcVersion", out var version)
            && ((delegate* unmanaged<int*, int*, int>)version)(&major, &minor) == 0
            ? new Nvrtc(library, string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}"))
            : null;
    }

    /// <summary>Machine code of a GPU, or, where this compiler is older than the GPU, what the driver makes machine code of; and what the compiler said.</summary>
    /// <param name="source">CUDA C++.</param>
    /// <param name="capability">Ten times major plus minor: 90.</param>
    /// <param name="options">Further ones of NVRTC's.</param>
    /// <exception cref="UsageException">It does not compile.</exception>
    public (byte[] Code, string Log) Compile(string source, int capability, params ReadOnlySpan<string> options)
    {
        int count;
        Require(((delegate* unmanaged<int*, int>)Export("nvrtcGetNumSupportedArchs"))(&count), "nvrtcGetNumSupportedArchs");
        var known = new int[count];
        fixed (int* first = known)
        {
            Require(((delegate* unmanaged<int*, int>)Export("nvrtcGetSupportedArchs"))(first), "nvrtcGetSupportedArchs");
        }

        var machine = known.Contains(capability);
        var target = machine ? capability : known.Where(one => one <= capability).DefaultIfEmpty(known.Min()).Max();
        string[] arguments = [string.Create(CultureInfo.InvariantCulture, $"--gpu-architecture={(machine ? "sm" : "compute")}_{target}"), "--std=c++17", .. options];
        nint program;
        fixed (byte* text = Encoding.UTF8.GetBytes(source + '\0'), name = "kernels.cu\0"u8)
        {
            Require(((delegate* unmanaged<nint*, byte*, byte*, int, nint, nint, int>)Export("nvrtcCreateProgram"))(&program, text, name, 0, 0, 0), "nvrtcCreateProgram");
        }

        nint[] given = [.. arguments.Select(Marshal.StringToCoTaskMemUTF8)];
        try
        {
            int result;
            fixed (nint* first = given)
            {
                result = ((delegate* unmanaged<nint, int, nint*, int>)Export("nvrtcCompileProgram"))(program, given.Length, first);
            }

            var log = Encoding.UTF8.GetString(Output(program, "nvrtcGetProgramLog")).TrimEnd('\0');
            return result == 0
                ? (Output(program, machine ? "nvrtcGetCUBIN" : "nvrtcGetPTX"), log)
                : throw new UsageException($"NVRTC {Version} refused the kernels with {result}: {log}");
        }
        finally
        {
            Array.ForEach(given, Marshal.FreeCoTaskMem);
            _ = ((delegate* unmanaged<nint*, int>)Export("nvrtcDestroyProgram"))(&program);
        }
    }

    private byte[] Output(nint program, string function)
    {
        nuint size;
        Require(((delegate* unmanaged<nint, nuint*, int>)Export(function + "Size"))(program, &size), function);
        var bytes = new byte[size];
        fixed (byte* first = bytes)
        {
            Require(((delegate* unmanaged<nint, byte*, int>)Export(function))(program, first), function);
        }

        return bytes;
    }

    private nint Export(string function) => NativeLibrary.GetExport(_library, function);

    private void Require(int result, string function)
    {
        if (result != 0)
        {
            throw new UsageException($"{function} of NVRTC {Version} failed with {result}");
        }
    }
}
