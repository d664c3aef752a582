using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

/// <summary>libtorch fetched from a feed of NuGet's protocol, or unpacked from a file.</summary>
public sealed class LibTorchPackageTests : IDisposable
{
    private const string File = $"{LibTorchPackage.Name}.{LibTorchPackage.Version}.nupkg";
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Libraries_AreThoseOfThePackageThisBuildWasRestoredWith()
    {
        var folder = new LibTorchLocator { Environment = _ => null }.PackageDirectory!;
        Assert.EndsWith(Path.Combine(LibTorchPackage.Name, LibTorchPackage.Version, LibTorchPackage.Folder), folder);
        foreach (var (name, sha256) in LibTorchPackage.Libraries)
        {
            using var library = System.IO.File.OpenRead(Path.Combine(folder, name));
            Assert.Equal((name, sha256), (name, Convert.ToHexStringLower(SHA256.HashData(library))));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(File)]
    public async Task Install_AFileOrItsFolder_UnpacksWhatIsWantedAndNoMore(string named)
    {
        var package = Package();
        await package.InstallAsync(_root.File("feed", named), _root.File("libtorch"), null, TestContext.Current.CancellationToken);
        Assert.Equal(package.Wanted.Select(w => w.Name).Order(), Directory.GetFiles(_root.File("libtorch")).Select(Path.GetFileName).Order());
        Assert.Equal("the code of libc10.so", System.IO.File.ReadAllText(_root.File("libtorch", "libc10.so")));
    }

    [Fact]
    public async Task Install_OfAFeed_IsFetchedByItsProtocolAndTriedAgainAfterAFailure()
    {
        var package = Package();
        using Feed feed = new(_root.File("feed", File), new Queue<int>([503, -1]));
        List<(long Done, long Total)> seen = [];
        await package.InstallAsync(feed.Index, _root.File("libtorch"), new Seen(seen), TestContext.Current.CancellationToken);
        Assert.Equal("the code of libc10.so", System.IO.File.ReadAllText(_root.File("libtorch", "libc10.so")));
        var bytes = new FileInfo(_root.File("feed", File)).Length;
        Assert.Equal((bytes, bytes), seen[^1]);
        Assert.Equal(3, feed.PackagesAsked); // refused, cut off in the middle, whole
    }

    [Fact]
    public async Task Install_FeedWithoutThePackage_SaysSoAtOnce()
    {
        using Feed feed = new(_root.File("none"), new Queue<int>([404]));
        var error = await Assert.ThrowsAsync<UsageException>(() => Package().InstallAsync(feed.Index, _root.File("libtorch"), null, TestContext.Current.CancellationToken));
        Assert.Contains($"{feed.Index} has no {LibTorchPackage.Name} {LibTorchPackage.Version} (404)", error.Message);
        Assert.Equal(1, feed.PackagesAsked);
    }

    [Theory]
    [InlineData("{}", "is no index of a NuGet feed")]
    [InlineData("<html>", "is no index of a NuGet feed")]
    [InlineData("{\"resources\":[{\"@id\":\"http://x\",\"@type\":\"SearchQueryService\"}]}", "offers no packages to fetch")]
    public async Task Install_SomethingElseThanAFeed_IsRefused(string index, string said)
    {
        using Feed feed = new(_root.File("none"), []) { Text = index };
        var error = await Assert.ThrowsAsync<UsageException>(() => Package().InstallAsync(feed.Index, _root.File("libtorch"), null, TestContext.Current.CancellationToken));
        Assert.Contains(said, error.Message);
    }

    [Fact]
    public async Task Install_NothingThere_NamesThePackageAndWhereItIsFetchedFrom()
    {
        var error = await Assert.ThrowsAsync<UsageException>(() => Package().InstallAsync(_root.File("elsewhere"), _root.File("libtorch"), null, TestContext.Current.CancellationToken));
        Assert.Contains($"is neither {File} nor a folder that holds it", error.Message);
        Assert.Contains(LibTorchPackage.PublicFeed, error.Message);
    }

    [Fact]
    public async Task Install_ALibraryThatIsNotTheOne_IsRefusedAndNoFolderOfLibtorchIsLeft()
    {
        Package();
        var other = new LibTorchPackage { Wanted = [.. Wanted(Contents()).Select(w => w.Name == LibTorchLocator.Probe ? (w.Name, new string('0', 64)) : w)] };
        var error = await Assert.ThrowsAsync<UsageException>(() => other.InstallAsync(_root.File("feed"), _root.File("libtorch"), null, TestContext.Current.CancellationToken));
        Assert.Contains($"{LibTorchLocator.Probe} in {_root.File("feed")} is not the library that this program was built for", error.Message);
        Assert.False(System.IO.File.Exists(_root.File("libtorch", LibTorchLocator.Probe)));
    }

    [Fact]
    public async Task Install_DamagedPackage_SaysSo()
    {
        var package = Package();
        var bytes = System.IO.File.ReadAllBytes(_root.File("feed", File));
        System.IO.File.WriteAllBytes(_root.File("feed", File), bytes[..(bytes.Length / 2)]);
        var error = await Assert.ThrowsAsync<UsageException>(() => package.InstallAsync(_root.File("feed"), _root.File("libtorch"), null, TestContext.Current.CancellationToken));
        Assert.Contains("is damaged, or no NuGet package", error.Message);
    }

    // A package of the right names with small contents.
    private LibTorchPackage Package()
    {
        var contents = Contents();
        Directory.CreateDirectory(_root.File("feed"));
        using var zip = ZipFile.Open(_root.File("feed", File), ZipArchiveMode.Create);
        foreach (var (name, text) in contents.Append(("libtorch_python.so", "not wanted")))
        {
            using var entry = zip.CreateEntry($"{LibTorchPackage.Folder}/{name}").Open();
            entry.Write(Encoding.UTF8.GetBytes(text));
        }

        return new LibTorchPackage { Wanted = Wanted(contents), Delay = TimeSpan.FromMilliseconds(1) };
    }

    private static (string Name, string Text)[] Contents() => [.. LibTorchPackage.Libraries.Select(library => (library.Name, $"the code of {library.Name}"))];

    private static (string Name, string Sha256)[] Wanted((string Name, string Text)[] contents) =>
        [.. contents.Select(c => (c.Name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(c.Text)))))];

    private sealed class Seen(List<(long Done, long Total)> values) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => values.Add(value);
    }

    /// <summary>A feed with one package. Faults are the first answers to who asks for it: a status, or -1 for a body that ends early.</summary>
    private sealed class Feed : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly string _package;
        private readonly Queue<int> _faults;

        public Feed(string package, Queue<int> faults)
        {
            (_package, _faults) = (package, faults);
            using (TcpListener free = new(IPAddress.Loopback, 0))
            {
                free.Start();
                Root = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
            }

            _listener.Prefixes.Add($"{Root}/");
            _listener.Start();
            _ = ServeAsync();
        }

        public string? Text { get; init; }

        public string Index => $"{Root}/v3/index.json";

        public int PackagesAsked { get; private set; }

        private string Root { get; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            while (_listener.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception e) when (e is ObjectDisposedException or HttpListenerException)
                {
                    return; // the test is over
                }

                if (context.Request.Url!.AbsolutePath == "/v3/index.json")
                {
                    Answer(context, Encoding.UTF8.GetBytes(Text ?? $$"""{"version":"3.0.0","resources":[{"@id":"{{Root}}/flat/","@type":"PackageBaseAddress/3.0.0"}]}"""));
                    continue;
                }

                PackagesAsked++;
                var fault = _faults.TryDequeue(out var next) ? next : 0;
                var known = context.Request.Url.AbsolutePath == $"/flat/{LibTorchPackage.Name}/{LibTorchPackage.Version}/{File}";
                if (fault > 0 || !known)
                {
                    context.Response.StatusCode = known ? fault : 404;
                    context.Response.Close();
                    continue;
                }

                var bytes = await System.IO.File.ReadAllBytesAsync(_package);
                if (fault < 0)
                {
                    context.Response.ContentLength64 = bytes.Length;
                    await context.Response.OutputStream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
                    context.Response.Abort();
                    continue;
                }

                Answer(context, bytes);
            }
        }

        private static void Answer(HttpListenerContext context, byte[] body)
        {
            context.Response.ContentLength64 = body.Length;
            context.Response.OutputStream.Write(body);
            context.Response.Close();
        }
    }
}
