using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>A folder of media and a cache beside it.</summary>
public sealed class JobFixture : IDisposable
{
    public MediaMaker Media { get; } = new();

    public string Root => Media["media"];

    public string Out => Media["cache"];

    public IngestOptions Options => new() { Root = Root, Out = Out };

    public Task<IngestResult> RunAsync(IngestOptions? options = null, IProgress<IngestProgress>? progress = null, CancellationToken? cancellation = null) =>
        new IngestJob(options ?? Options, Media.Tools, TimeProvider.System).RunAsync(progress, cancellation ?? TestContext.Current.CancellationToken);

    public async Task<IReadOnlyDictionary<string, LedgerEntry>> LedgerAsync(Fingerprint? fingerprint = null)
    {
        await using var writer = await CacheWriter.OpenAsync(
            Out, fingerprint ?? Cache.Open(Out).Manifest.Fingerprint, new CacheWriterOptions { Part = "look" }, TimeProvider.System, TestContext.Current.CancellationToken);
        return writer.Ledger.ToDictionary();
    }

    public void Copies(string file, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var copy = Media[$"media/class{i % 3}/clip{i:D3}{Path.GetExtension(file)}"];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    public void Dispose() => Media.Dispose();
}
