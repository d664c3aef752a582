using System.Reflection;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>
/// Finds the libtorch folder. An explicit choice (argument, then <c>XKD_LIBTORCH</c>) is never passed over silently; only the defaults are tried in turn.
/// </summary>
internal sealed class LibTorchLocator
{
    public const string Variable = "XKD_LIBTORCH";
    public const string Probe = "libtorch_cpu.so";
    public const string BindingName = "libLibTorchSharp.so";

    private const string NativeSubfolder = LibTorchPackage.Folder;

    /// <summary>Value of an environment variable by name.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Folder of the package this build was restored with; null where the build records none.</summary>
    public string? PackageDirectory { get; init; } = typeof(LibTorchLocator).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(attribute => attribute.Key == "LibTorchPackageDirectory")?.Value;

    /// <summary>Folder of the running program.</summary>
    public string BaseDirectory { get; init; } = AppContext.BaseDirectory;

    /// <summary>Where <c>doctor --install-libtorch</c> puts it.</summary>
    public string InstalledDirectory { get; init; } = LibTorchPackage.DefaultFolder;

    /// <summary>The folder that holds <c>libtorch_cpu.so</c>, as a full path.</summary>
    /// <exception cref="UsageException">A chosen folder holds none, or none was found anywhere.</exception>
    public string FindLibraries(string? directory)
    {
        if (!string.IsNullOrEmpty(directory))
        {
            return Chosen(directory, "--libtorch");
        }

        if (Environment(Variable) is { Length: > 0 } fromEnvironment)
        {
            return Chosen(fromEnvironment, Variable);
        }

        var tried = Defaults().ToList();
        return tried.FirstOrDefault(Holds) is { } found
            ? Canonical(found)
            : throw new UsageException(
                $"libtorch is not here: no {Probe} in {string.Join(", ", tried)}. " +
                "Fetch it with 'xkd doctor --install-libtorch', or name a folder that has it " +
                $"(a PyTorch install's torch/lib will do) with --libtorch or {Variable}.");
    }

    /// <summary>Full path of the LibTorchSharp library that fits the managed TorchSharp beside it.</summary>
    /// <exception cref="UsageException">It is nowhere.</exception>
    public string FindBinding(string libraries)
    {
        // The host lists where this program's native assets are: the output folder, or the package cache when run from a build tree.
        var host = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var version = typeof(TorchSharp.torch).Assembly.GetName().Version?.ToString(3);
        string[] folders =
        [
            BaseDirectory, Path.Combine(BaseDirectory, NativeSubfolder), .. host,
            Path.Combine(PackageCache(), "torchsharp", version ?? "", NativeSubfolder), libraries,
        ];
        return folders.Select(folder => Path.GetFullPath(Path.Combine(folder, BindingName))).FirstOrDefault(File.Exists)
            ?? throw new UsageException($"{BindingName} is not beside the program ({BaseDirectory}): "
                + $"build again with 'dotnet build', or copy it there from the TorchSharp {version} package.");
    }

    private IEnumerable<string> Defaults()
    {
        if (PackageDirectory is { Length: > 0 })
        {
            yield return PackageDirectory;
        }

        // The build's folder is gone when the program was copied to another machine: look where a package cache usually is, and there only for the version this
        // program was built for. Another one may load and still differ in memory layout.
        yield return Path.Combine(PackageCache(), LibTorchPackage.Name, LibTorchPackage.Version, NativeSubfolder);
        yield return BaseDirectory;
        yield return Path.Combine(BaseDirectory, NativeSubfolder);
        yield return Path.Combine(BaseDirectory, "libtorch");
        yield return InstalledDirectory;
    }

    private string PackageCache() => Environment("NUGET_PACKAGES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment("HOME") ?? "", ".nuget", "packages");

    private static string Chosen(string directory, string origin)
    {
        // People name the install's root as often as its lib folder.
        string[] folders = [directory, Path.Combine(directory, "lib"), Path.Combine(directory, "torch", "lib")];
        var found = folders.FirstOrDefault(Holds);
        return found is not null
            ? Canonical(found)
            : throw new UsageException($"{origin} {directory} holds no {Probe}: name the folder that has it, such as <python site-packages>/torch/lib.");
    }

    private static string Canonical(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    private static bool Holds(string folder) => File.Exists(Path.Combine(folder, Probe));
}
