using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

public sealed class LibTorchLocatorTests : IDisposable
{
    private readonly TemporaryFolder _root = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _root.Dispose();

    [Fact]
    public void FindLibraries_AllPlacesHaveThem_GoesInTheDocumentedOrder()
    {
        var given = Place("given");
        var variable = Place("variable");
        var package = Place("packages", "libtorch-cpu-linux-x64", "2.10.0", "runtimes", "linux-x64", "native");
        var cache = Place("cache", "libtorch-cpu-linux-x64", "2.10.0", "runtimes", "linux-x64", "native");
        var program = Place("program");
        var beside = Place("program", "libtorch");
        var installed = Place("installed");
        _environment[LibTorchLocator.Variable] = variable;
        _environment["NUGET_PACKAGES"] = _root.File("cache");
        var locator = Locator(package);

        Assert.Equal(given, locator.FindLibraries(given));
        Assert.Equal(variable, locator.FindLibraries(null));
        _environment.Remove(LibTorchLocator.Variable);
        Assert.Equal(package, locator.FindLibraries(null));
        Directory.Delete(package, recursive: true);
        Assert.Equal(cache, locator.FindLibraries(null));
        Directory.Delete(cache, recursive: true);
        Assert.Equal(program, locator.FindLibraries(""));
        File.Delete(Path.Combine(program, LibTorchLocator.Probe));
        Assert.Equal(beside, locator.FindLibraries(""));
        Directory.Delete(program, recursive: true);
        Assert.Equal(installed, locator.FindLibraries(""));
    }

    [Theory]
    [InlineData("lib")]
    [InlineData("torch", "lib")]
    public void FindLibraries_RootOfAnInstall_FindsItsLibraryFolder(params string[] below)
    {
        var libraries = Place(["install", .. below]);

        Assert.Equal(libraries, Locator(null).FindLibraries(_root.File("install")));
    }

    [Fact]
    public void FindLibraries_ChosenFolderHasNone_IsRefusedThoughDefaultsHaveThem()
    {
        Place("program");
        Directory.CreateDirectory(_root.File("empty"));

        Assert.Contains("--libtorch", Assert.Throws<UsageException>(() => Locator(null).FindLibraries(_root.File("empty"))).Message);
        _environment[LibTorchLocator.Variable] = _root.File("empty");
        Assert.Contains("XKD_LIBTORCH", Assert.Throws<UsageException>(() => Locator(null).FindLibraries(null)).Message);
    }

    [Fact]
    public void FindLibraries_Nowhere_SaysWhereItLookedAndTheFix()
    {
        var message = Assert.Throws<UsageException>(() => Locator(_root.File("gone", "2.10.0", "a", "b", "c")).FindLibraries(null)).Message;

        Assert.Contains(_root.File("gone"), message);
        Assert.Contains(_root.File("program"), message);
        Assert.Contains("xkd doctor --install-libtorch", message);
    }

    private LibTorchLocator Locator(string? package) => new()
    {
        Environment = name => _environment.GetValueOrDefault(name),
        PackageDirectory = package,
        BaseDirectory = _root.File("program"),
        InstalledDirectory = _root.File("installed"),
    };

    private string Place(params string[] parts)
    {
        var folder = _root.File(parts);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, LibTorchLocator.Probe), []);
        return folder;
    }
}
