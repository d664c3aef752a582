using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Polly;
using Polly.Retry;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>
/// Brings libtorch to a machine that has neither NuGet nor PyTorch: fetches the package with the CPU's libraries, and unpacks those that a program loads.
/// Each must have the SHA-256 that it had when this program was built, whichever feed it comes from.
/// </summary>
public sealed class LibTorchPackage
{
    /// <summary>What is fetched where nobody names another place.</summary>
    public const string PublicFeed = "https://api.nuget.org/v3/index.json";

    internal const string Name = "libtorch-cpu-linux-x64";
    internal const string Version = "2.10.0";
    internal const string Folder = "runtimes/linux-x64/native";

    private const int Attempts = 4;

    // The last is what a folder of libtorch is known by: it comes when the others are there.
    internal static readonly IReadOnlyList<(string Name, string Sha256)> Libraries =
    [
        ("libgomp-98b21ff3.so.1", "6b254201cafdc5389580d77139398a298f63ce3b139cfbcceade961ac0d721cb"),
        ("libc10.so", "5a54a1c71c90df5011b20529bba91bcd160871c7cb19f33d9da8e73f9c45fbbc"),
        ("libtorch.so", "aaa36e9d80c624fc796e0fd591ebe7a59262814f57bc639ec20f6ae91fadb760"),
        (LibTorchLocator.Probe, "0f4b3e14ed8468219fefe110605e741afc6bfbec27cc777a224301edb9f24c41"),
    ];

    /// <summary>Before the first repetition; it doubles.</summary>
    internal TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What is unpacked.</summary>
    internal IReadOnlyList<(string Name, string Sha256)> Wanted { get; init; } = Libraries;

    /// <summary>Where <see cref="LibTorch.Load"/> finds it without being told: below <c>XKD_CACHE_DIR</c>, or <c>~/.cache/xkd</c>.</summary>
    public static string DefaultFolder => Path.Combine(LibTorchSharpCopy.DefaultCache(), "libtorch", Version);

    /// <summary>Fetches and unpacks; what is there already is replaced file by file.</summary>
    /// <param name="source">The index of a NuGet feed (<c>https://…/index.json</c>), the package itself, or a folder that holds it.</param>
    /// <param name="folder">Where the libraries go; made when it is absent.</param>
    /// <param name="progress">Bytes fetched, and of how many; 0 when the feed does not say.</param>
    /// <param name="stop">Ends it; what is unpacked stays.</param>
    /// <exception cref="UsageException">The source has no such package, or what it has is another's.</exception>
    /// <exception cref="FailureException">It cannot be fetched or written.</exception>
    public async Task InstallAsync(string source, string folder, IProgress<(long Done, long Total)>? progress = null, CancellationToken stop = default)
    {
        if (!source.StartsWith("http://", StringComparison.Ordinal) && !source.StartsWith("https://", StringComparison.Ordinal))
        {
            Unpack(FindFile(source), source, folder);
            return;
        }

        using ScratchFolder scratch = new(Path.Combine(LibTorchSharpCopy.DefaultCache(), "scratch"));
        var file = Path.Combine(scratch.Path, $"{Name}.{Version}.nupkg");
        using HttpClient http = new() { Timeout = TimeSpan.FromMinutes(2) }; // of an answer to begin: the body is read under the limit below
        try
        {
            await Retry().ExecuteAsync(async token => await FetchAsync(http, source, file, progress, token).ConfigureAwait(false), stop).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.StatusCode is { } status && (int)status is >= 400 and < 500)
        {
            throw new UsageException($"{source} has no {Name} {Version} ({(int)status}): name another feed, the .nupkg file, or a folder with it", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException || (e is TaskCanceledException && !stop.IsCancellationRequested))
        {
            throw new FailureException(
                $"{Name} {Version} cannot be fetched from {source}, {Attempts} times ({e.Message}): "
                + "try again, name another feed, or fetch the .nupkg elsewhere and name the file", e);
        }

        Unpack(file, source, folder);
    }

    private ResiliencePipeline Retry() => new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        MaxRetryAttempts = Attempts - 1,
        Delay = Delay,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        ShouldHandle = new PredicateBuilder().Handle<HttpRequestException>(e => e.StatusCode is not { } status || (int)status is >= 500 or 408 or 429)
            .Handle<IOException>().Handle<TimeoutException>(),
    }).Build();

    private static async Task FetchAsync(HttpClient http, string feed, string file, IProgress<(long Done, long Total)>? progress, CancellationToken stop)
    {
        var packages = PackageAddress(await http.GetStringAsync(new Uri(feed), stop).ConfigureAwait(false), feed);
        using var answer = await http.GetAsync(
            new Uri($"{packages.TrimEnd('/')}/{Name}/{Version}/{Name}.{Version}.nupkg"), HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        var total = answer.Content.Headers.ContentLength ?? 0;
        using var body = await answer.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
        using var target = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        var buffer = new byte[1 << 20];
        long done = 0;
        using var silent = CancellationTokenSource.CreateLinkedTokenSource(stop);
        while (true)
        {
            silent.CancelAfter(TimeSpan.FromMinutes(1));
            int read;
            try
            {
                read = await body.ReadAsync(buffer, silent.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
            {
                throw new TimeoutException("nothing came for a minute", e);
            }

            if (read == 0)
            {
                break;
            }

            await target.WriteAsync(buffer.AsMemory(0, read), stop).ConfigureAwait(false);
            progress?.Report((done += read, total));
        }
    }

    // The service index of NuGet's protocol, version 3.
    private static string PackageAddress(string index, string feed)
    {
        try
        {
            using var json = JsonDocument.Parse(index);
            foreach (var resource in json.RootElement.GetProperty("resources").EnumerateArray())
            {
                if (resource.GetProperty("@type").GetString() is "PackageBaseAddress/3.0.0")
                {
                    return resource.GetProperty("@id").GetString()!;
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UsageException($"{feed} is no index of a NuGet feed ({e.Message}): it looks like {PublicFeed}", e);
        }

        throw new UsageException($"{feed} offers no packages to fetch (PackageBaseAddress/3.0.0): name another feed, the .nupkg file, or a folder with it");
    }

    private static string FindFile(string source)
    {
        const string File = $"{Name}.{Version}.nupkg";
        string[] places = [source, Path.Combine(source, File), Path.Combine(source, Name, Version, File)];
        return places.FirstOrDefault(System.IO.File.Exists)
            ?? throw new UsageException($"{source} is neither {File} nor a folder that holds it; without a source it is fetched from {PublicFeed}");
    }

    private void Unpack(string file, string source, string folder)
    {
        try
        {
            using var package = ZipFile.OpenRead(file);
            foreach (var (name, sha256) in Wanted)
            {
                var entry = package.GetEntry($"{Folder}/{name}")
                    ?? throw new UsageException($"{source} holds no {Folder}/{name}: it is not the package {Name} {Version}");
                AtomicFile.Write(Path.Combine(folder, name), target =>
                {
                    using var hash = SHA256.Create();
                    using var checkedTarget = new CryptoStream(target, hash, CryptoStreamMode.Write, leaveOpen: true);
                    using (var body = entry.Open())
                    {
                        body.CopyTo(checkedTarget, 1 << 20);
                    }

                    checkedTarget.FlushFinalBlock();
                    if (Convert.ToHexStringLower(hash.Hash!) != sha256)
                    {
                        throw new UsageException(
                            $"{name} in {source} is not the library that this program was built for: its SHA-256 is {Convert.ToHexStringLower(hash.Hash!)}, not {sha256}");
                    }
                });
            }
        }
        catch (InvalidDataException e)
        {
            throw new UsageException($"{source} is damaged, or no NuGet package ({e.Message}): fetch {Name} {Version} again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"libtorch cannot be unpacked into {folder} ({e.Message}): name a folder with 500 MB of room by --libtorch", e);
        }
    }
}
