using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Xkd.Storage.Tests;

/// <summary>
/// The server of the npm package s3rver, as a process of its own: an implementation of the protocol that knows nothing of this project. <c>./xkd test</c>
/// installs it below <c>.build</c> where npm is at hand.
/// </summary>
internal sealed partial class S3rver : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TempFolder _folder;

    private S3rver(Process process, TempFolder folder, string endpoint) => (_process, _folder, Endpoint) = (process, folder, endpoint);

    public string Endpoint { get; }

    /// <summary>Starts it, or skips the test.</summary>
    public static async Task<S3rver> StartAsync()
    {
        var script = Find() ?? throw new InvalidOperationException(Skip());
        TempFolder folder = new();
        ProcessStartInfo start = new("node") { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in new[] { script, "-d", folder.Path, "-a", "127.0.0.1", "-p", "0", "--configure-bucket", ObjectCaches.Bucket })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["NODE_OPTIONS"] = "--openssl-legacy-provider"; // its listings of more than a thousand ask for a cipher that OpenSSL 3 has there
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (Listening().Match(line) is { Success: true } m)
            {
                _ = process.StandardOutput.ReadToEndAsync();
                return new S3rver(process, folder, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{m.Groups["port"].Value}"));
            }
        }

        throw new InvalidOperationException("s3rver ended before it listened");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static string Skip()
    {
        Assert.Skip("NO REAL S3 SERVER: npm install --prefix .build/s3rver s3rver@3.7.1 (./xkd test does it where npm is installed); the server in this process stands in for it");
        return "";
    }

    private static string? Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var script = Path.Combine(folder.FullName, ".build", "s3rver", "node_modules", "s3rver", "bin", "s3rver.js");
            if (File.Exists(Path.Combine(folder.FullName, "XKD.sln")))
            {
                return File.Exists(script) ? script : null;
            }
        }

        return null;
    }

    [GeneratedRegex(@"listening on .*:(?<port>\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Listening();
}
