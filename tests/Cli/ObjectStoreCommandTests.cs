using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>A cache in an object store, from the command line.</summary>
public sealed class ObjectStoreCommandTests(IngestedClips clips) : IDisposable
{
    private const string Cache = "s3://xkd/caches/cli";

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-cli-objects-").FullName;
    private readonly ObjectServer _server = new();

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Cache_InAnObjectStore_IsIngestedInspectedAndVerifiedAsAFolderIs()
    {
        // Two parts at once, then the merge, as an array job does it.
        var parts = await Task.WhenAll(Enumerable.Range(1, 2).Select(i => RunAsync("ingest", "--dataset", "folder", "--root", clips.Clips, "--out", Cache, "--short-side", "32", "--partition", $"{i}/2")));
        Assert.All(parts, part => Assert.True(part.ExitCode is 0 or 3, part.Error));
        var merged = await RunAsync("ingest", "--merge", Cache, "--json");
        Assert.True(merged.ExitCode == 3, merged.Error);
        Assert.Equal((1, 2), (Number(merged, "clips"), Number(merged, "failed")));

        ProcessOutcome inspected = await RunAsync("inspect", Cache, "--json"), local = await XkdProcess.RunAsync("inspect", clips.Cache, "--json");
        Assert.All(new[] { "clips", "failed", "hours", "classes", "fingerprint" }, field => Assert.Equal(Field(local, field), Field(inspected, field)));
        var verified = await RunAsync("verify", Cache);
        Assert.True(verified.ExitCode == 0, verified.Error);

        var shard = _server.Objects.Keys.Single(k => k.Contains("/shards/", StringComparison.Ordinal));
        _server.Objects[shard][500] ^= 1;
        var damaged = await RunAsync("verify", Cache);
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("shards/part-", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cache_NoSuchService_IsNamedAndExits1()
    {
        _server.Dispose();
        var result = await RunAsync("inspect", Cache);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(Cache, result.Error, StringComparison.Ordinal);
        Assert.Contains("AWS_ENDPOINT_URL_S3", result.Error, StringComparison.Ordinal);
    }

    private static int Number(ProcessOutcome outcome, string field) => int.Parse(Field(outcome, field), System.Globalization.CultureInfo.InvariantCulture);

    private static string Field(ProcessOutcome outcome, string field)
    {
        using var json = JsonDocument.Parse(outcome.Output);
        return json.RootElement.GetProperty(field).GetRawText();
    }

    private Task<ProcessOutcome> RunAsync(params string[] arguments) => XkdProcess.RunAsync(
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["AWS_ENDPOINT_URL_S3"] = _server.Endpoint,
            ["AWS_ACCESS_KEY_ID"] = "test",
            ["AWS_SECRET_ACCESS_KEY"] = "test",
            ["XKD_CACHE_DIR"] = _folder,
        },
        arguments);
}
