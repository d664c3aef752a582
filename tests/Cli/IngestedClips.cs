using Xkd.Cli.Tests;

[assembly: AssemblyFixture(typeof(IngestedClips))]

namespace Xkd.Cli.Tests;

/// <summary>One good clip, a text file and a cut clip under media names, and the cache made of them.</summary>
public sealed class IngestedClips : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("xkd-cli-").FullName;

    public string Clips => Path.Combine(folder, "clips");

    public string Cache => Path.Combine(folder, "cache");

    public string Empty => Path.Combine(folder, "empty");

    internal ProcessOutcome Ingest { get; private set; } = new(-1, string.Empty, string.Empty);

    public string File(string name) => Path.Combine(folder, name);

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Clips);
        Directory.CreateDirectory(Empty);
        var good = Path.Combine(Clips, "good.mp4");
        string[] arguments = ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=8:d=4", "-f", "lavfi", "-i", "sine=d=4", "-shortest", "-c:v", "libx264", "-c:a", "aac", good];
        var made = await XkdProcess.StartAsync("ffmpeg", arguments);
        Assert.True(made.ExitCode == 0, made.Error);
        await System.IO.File.WriteAllTextAsync(Path.Combine(Clips, "text.mp4"), "plain text");
        var bytes = await System.IO.File.ReadAllBytesAsync(good);
        await System.IO.File.WriteAllBytesAsync(Path.Combine(Clips, "cut.mp4"), bytes[..(bytes.Length / 2)]);
        Ingest = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", Clips, "--out", Cache, "--short-side", "32", "--json");
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
