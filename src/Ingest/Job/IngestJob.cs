using System.Text.RegularExpressions;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Media into a cache: catalog → decode → mel → write. An item that fails is a value on its way to the ledger and never ends the run; what would
/// fail every item (ffmpeg missing, the disk full) ends it with one error. Running again does only what is missing.
/// </summary>
public sealed partial class IngestJob
{
    private const int JpegQuality = 90;
    private readonly IngestOptions _options;
    private readonly FfmpegTools _tools;
    private readonly TimeProvider _time;

    /// <exception cref="UsageException">Options that cannot be; all of them are named.</exception>
    public IngestJob(IngestOptions options, FfmpegTools tools, TimeProvider time)
    {
        IngestValidator.Validate(options);
        _options = options;
        _tools = tools;
        _time = time;
    }

    /// <summary>Runs to the end, or until cancelled: then what is complete is committed and the result says that it was stopped.</summary>
    /// <exception cref="UsageException">The dataset is missing or empty, the cache was prepared differently, or it has another file's item under an id.</exception>
    /// <exception cref="FailureException">The run cannot go on; what was complete is committed where the disk allows.</exception>
    public async Task<IngestResult> RunAsync(IProgress<IngestProgress>? progress, CancellationToken cancellationToken)
    {
        var cpu = CpuClock.Milliseconds();
        var (items, notes) = Items();
        await using var writer = await CacheWriter.OpenAsync(
            _options.Out, Fingerprint(), new CacheWriterOptions { Part = PartName(), JpegQuality = JpegQuality, Origin = Origin() }, _time, cancellationToken);
        var failedEarlier = 0;
        foreach (var item in items.Where(item => !IsPending(writer, item)))
        {
            var settled = writer.Ledger[item.Id];
            SettledSource.RequireSame(item, settled, _options.Out);
            failedEarlier += settled.State == ItemState.Failed ? 1 : 0;
        }

        var pending = new Queue<PendingItem>(items.Where(item => IsPending(writer, item)).Select(item => new PendingItem(item, Attempts(writer, item))));
        var tally = new IngestTally(items.Count - pending.Count, items.Count, TimeSpan.FromSeconds(_options.ProgressInterval), progress, _time);
        items.Clear(); // an item that is done lives on in the ledger alone: memory does not grow by both
        tally.Begin(notes);

        var (graph, stopped) = await RunAsync(writer, pending, tally, cancellationToken);
        var manifest = await writer.CommitAsync(CancellationToken.None);
        tally.Report();
        return new IngestResult
        {
            Committed = tally.Committed,
            Failed = tally.Failed,
            FirstFailures = tally.FirstFailures,
            Skipped = tally.Skipped,
            FailedEarlier = failedEarlier,
            Clips = tally.Clips,
            Seconds = tally.Seconds,
            ClipsPerSecond = tally.Seconds > 0 ? tally.Clips / tally.Seconds : 0,
            CpuMsPerClip = tally.Clips > 0 ? (CpuClock.Milliseconds() - cpu) / tally.Clips : 0,
            Stopped = stopped,
            ManifestVersion = manifest.Version,
            Report = graph.Report(),
            WriteTrace = graph.WriteTrace,
        };
    }

    private async Task<(PipelineGraph Graph, bool Stopped)> RunAsync(CacheWriter writer, Queue<PendingItem> pending, IngestTally tally, CancellationToken cancellationToken)
    {
        await using var pool = NewPool();
        var (graph, writing, run) = Build(pool, writer, pending, tally, cancellationToken);
        try
        {
            await run();
            return (graph, Stopped: false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return (graph, Stopped: true);
        }
        catch (FailureException) when (!writing.Broken)
        {
            // Such as ffmpeg gone in the middle: items already written are complete and worth keeping.
            await writer.CommitAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>Decodes every item as a run would and keeps nothing: what the decode stage can do by itself. Items that fail are only counted.</summary>
    /// <exception cref="UsageException">The dataset is missing or empty.</exception>
    public async Task<PipelineGraph> MeasureDecodingAsync(CancellationToken cancellationToken)
    {
        await using var pool = NewPool();
        var (graph, decoded) = BuildDecoding(pool, new Queue<PendingItem>(Items().Items.Select(static item => new PendingItem(item, 0))));
        await graph.RunAsync(decoded, "discard", Discard, cancellationToken: cancellationToken);
        return graph;

        static ValueTask Discard(DecodedItem item, CancellationToken cancellationToken)
        {
            item.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private (PipelineGraph Graph, WriteStage Writing, Func<Task> Run) Build(
        DecoderPool pool, CacheWriter writer, Queue<PendingItem> pending, IngestTally tally, CancellationToken cancellationToken)
    {
        var fingerprint = Fingerprint();
        var melStage = new MelStage(
            MelBackends.Create(_options.Mel, new LogMelOptions { SampleRate = fingerprint.SampleRate, NFft = fingerprint.NFft, Hop = fingerprint.Hop, Mels = fingerprint.Mels }),
            fingerprint, _options.MaxClip, _options.OnMissing, JpegQuality);
        var writeStage = new WriteStage(writer, fingerprint, TimeSpan.FromSeconds(_options.CommitInterval), tally, _time);
        var burst = Math.Max(2, _options.FilesPerProcess); // what one process gives at its end
        var (graph, decoded) = BuildDecoding(pool, pending);
        var prepared = graph.Stage<DecodedItem, PreparedItem>(
            FailureStages.Mel, decoded, melStage.RunAsync,
            new StageOptions { Parallelism = _options.Frames == FrameCodecs.Jpeg ? Workers : 1, QueueCapacity = burst, Remedy = "cache --frames raw, or raise --workers" });
        return (graph, writeStage, () => graph.RunAsync(
            prepared, FailureStages.Write, writeStage.RunAsync, new StageOptions { QueueCapacity = burst, Remedy = "put the cache on a faster disk" }, cancellationToken));
    }

    private (PipelineGraph Graph, IStage<DecodedItem> Decoded) BuildDecoding(DecoderPool pool, Queue<PendingItem> pending)
    {
        var decode = DecodeOptions();
        var decoders = new DecodeQueue(new MediaDecoder(_tools, decode, _time, pool), Workers, _options.FilesPerProcess);
        var decodeStage = new DecodeStage(decoders, decode, _options.OnMissing, _options.MaxClip, new EnvironmentGuard(_options.Root), new StretchProbe(_tools, decode.ItemTimeout, _time), _time);
        var graph = new PipelineGraph("ingest", new PipelineGraphOptions
        {
            ByteBudget = new ByteBudget(_options.MemoryBudget),
            TimeProvider = _time,
            StageDelays = _options.StageDelays,
            TraceCapacity = _options.TraceCapacity,
        });
        var catalog = graph.Source(FailureStages.Catalog, Drain(pending).Select(static item => item.Sized()).ToAsyncEnumerable());
        var decoded = graph.Stage<PendingItem, DecodedItem>(
            FailureStages.Decode, catalog, decodeStage.RunAsync,
            new StageOptions { Parallelism = Decoding, Remedy = "raise --workers on a machine with more cores, or share the items among processes with --partition i/n" },
            reserve: item => 2 * (item.IsShort ? decode.ResidentBytesTogether : decode.ResidentBytes)); // frames and samples
        return (graph, decoded);
    }

    private static IEnumerable<PendingItem> Drain(Queue<PendingItem> pending)
    {
        while (pending.TryDequeue(out var item))
        {
            yield return item;
        }
    }

    private DecoderPool NewPool() => new(_tools, DecodeOptions(), _time);

    private (List<SourceItem> Items, IReadOnlyList<string> Notes) Items()
    {
        var catalog = DatasetRegistry.Open(
            _options.Dataset, new CatalogOptions { Root = _options.Root, Split = _options.Split, Annotations = _options.Annotations, Out = CacheName.Full(_options.Out) });
        var (items, notes) = catalog.List();
        return ([.. items.Where(item => Partition.Owns(item.Id, _options.Partition, _options.Partitions))], notes);
    }

    private bool IsPending(CacheWriter writer, SourceItem item) =>
        !writer.Ledger.TryGetValue(item.Id, out var entry) || (entry.State == ItemState.Failed && _options.RetryFailed);

    private static int Attempts(CacheWriter writer, SourceItem item) => writer.Ledger.TryGetValue(item.Id, out var entry) ? entry.Attempts : 0;

    private DecodeOptions DecodeOptions() => new()
    {
        Fps = _options.Fps,
        ShortSide = _options.ShortSide,
        SampleRate = Fingerprint().SampleRate,
        Modalities = Decoded,
        MinClip = _options.MinClip,
        ItemTimeout = TimeSpan.FromSeconds(_options.ItemTimeout),
        SpoolFolder = CacheName.WorkFolder(_options.Out),

        // What all decoders may hold at once is half the budget: the other half is what waits behind them.
        ResidentBytes = Math.Max(1 << 20, _options.MemoryBudget / 4 / Workers),
        ResidentBytesTogether = Math.Max(1 << 20, _options.MemoryBudget / 4 / Decoding),
    };

    private Modalities Decoded => _options.Modalities is Modalities.Auto ? DatasetRegistry.DefaultModalities(_options.Dataset) : _options.Modalities;

    private IngestOrigin Origin() => new()
    {
        Dataset = _options.Dataset,
        Root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(_options.Root)),
        Split = _options.Split,
        Annotations = _options.Annotations is { } annotations ? Path.GetFullPath(annotations) : null,
        Modalities = Decoded switch { Modalities.Video => "video", Modalities.Audio => "audio", _ => "av" },
        MaxClip = _options.MaxClip,
    };

    private int Workers => _options.Workers > 0 ? _options.Workers : Environment.ProcessorCount;

    // In work, and as many again waiting for the process that becomes free next.
    private int Decoding => 2 * Workers * _options.FilesPerProcess;

    private Fingerprint Fingerprint() => new()
    {
        Fps = _options.Fps,
        ShortSide = _options.ShortSide,
        FramesCodec = _options.Frames,
        AudioCodec = _options.Audio,
        MelBackend = _options.Mel,

        // A patch release decodes alike; a cache begun with one minor version is not continued with another.
        Decoder = "ffmpeg " + (MinorVersion().Match(_tools.Version) is { Success: true } minor ? minor.Value : _tools.Version),
    };

    private string PartName() => _options.Partitions > 1 ? $"part-{_options.Partition}-of-{_options.Partitions}" : "main";

    [GeneratedRegex(@"^\d+\.\d+")]
    private static partial Regex MinorVersion();
}
