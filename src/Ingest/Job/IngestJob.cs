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
    private readonly IngestSizes _sizes;
    private readonly IMediaDecoder? _decoder;
    private readonly PayloadPool<byte> _media;
    private readonly PayloadPool<float> _spectrograms;

    /// <summary>A run by the ffmpeg that <see cref="FfmpegTools.Locate"/> finds, and the system's clock.</summary>
    /// <param name="options">The run.</param>
    /// <exception cref="UsageException">Options that cannot be, all of them named, or XKD_FFMPEG names nothing that can be run.</exception>
    /// <exception cref="FailureException">ffmpeg is missing or does not start; the message holds the command to type.</exception>
    public IngestJob(IngestOptions options)
        : this(options, FfmpegTools.Locate(), TimeProvider.System)
    {
    }

    /// <param name="options">The run.</param>
    /// <param name="tools">The ffmpeg in use.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="UsageException">Options that cannot be; all of them are named.</exception>
    public IngestJob(IngestOptions options, FfmpegTools tools, TimeProvider time)
        : this(options, tools, time, decoder: null, Environment.ProcessorCount)
    {
    }

    /// <param name="options">The run.</param>
    /// <param name="tools">The ffmpeg in use.</param>
    /// <param name="time">The clock.</param>
    /// <param name="decoder">Decodes in place of ffmpeg; null: ffmpeg does.</param>
    /// <param name="cores">Cores to lay the run out for.</param>
    internal IngestJob(IngestOptions options, FfmpegTools tools, TimeProvider time, IMediaDecoder? decoder, int cores)
    {
        IngestValidator.Validate(options);
        _options = options;
        _tools = tools;
        _time = time;
        _sizes = IngestSizes.Of(options, cores);
        _decoder = decoder;
        _media = new PayloadPool<byte>(3 * _sizes.Workers); // frames, samples and a pipe of each
        _spectrograms = new PayloadPool<float>(_sizes.Preparing);
    }

    /// <summary>Runs to the end, or until cancelled: then what is complete is committed and the result says that it was stopped.</summary>
    /// <param name="progress">Told how far the run is, every <see cref="IngestOptions.ProgressInterval"/> seconds; null (default): nobody.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled before the first item: nothing is changed.</exception>
    /// <exception cref="UsageException">
    /// The dataset is missing or empty, the cache was prepared differently, it has another file's item under an id, or a file has changed and must not.
    /// </exception>
    /// <exception cref="FailureException">The run cannot go on; what was complete is committed where the disk allows.</exception>
    public async Task<IngestResult> RunAsync(IProgress<IngestProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var cpu = CpuClock.Milliseconds();

        var (items, notes) = await LeavableAsync(() => Items(cancellationToken), cancellationToken);
        await using var writer = await CacheWriter.OpenAsync(
            _options.Out, Fingerprint(), new CacheWriterOptions { Part = PartName(), JpegQuality = JpegQuality, Origin = Origin() }, _time, cancellationToken);

        // Where nothing is settled no file is looked at: a run that is stopped from here on says how far it is.
        var plan = writer.Ledger.Count == 0
            ? Plan(items, writer.Ledger, writer.Head, CancellationToken.None)
            : await LeavableAsync(() => Plan(items, writer.Ledger, writer.Head, cancellationToken), cancellationToken);
        items.Clear(); // an item that is done lives on in the ledger alone: memory does not grow by both
        var pending = plan.Pending;
        using var tally = new IngestTally(plan.Total - pending.Count, plan.Total, TimeSpan.FromSeconds(_options.ProgressInterval), progress, _time);
        writer.Reopen([.. plan.Replaces.Values, .. plan.Removes]);
        foreach (var gone in plan.Removes)
        {
            await writer.SettleAsync(WriteStage.Removed(writer.Ledger[gone], IngestPlan.WasGone, "its file is gone"), cancellationToken);
        }

        await using var pool = NewPool();
        if (pending.Count > 0 && !cancellationToken.IsCancellationRequested)
        {
            try
            {
                await pool.TryAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Stopping is the graph's: it looks at the same token, and what is complete is committed.
            }
        }

        tally.Begin([.. notes, .. plan.Changes.Say(_options.Changed, _options.Gone)], pending.Count > 0 ? Way(pool) : null);
        var (graph, stopped) = await RunAsync(pool, writer, plan, tally, cancellationToken);
        await pool.DisposeAsync(); // the processor time of its processes is known when they have ended
        var manifest = await writer.CommitAsync(CancellationToken.None);
        _media.Clear(); // the result holds the graph, and that its stages
        _spectrograms.Clear();
        FreedMemory.GiveBack();
        tally.Report();
        return new IngestResult
        {
            Committed = tally.Committed,
            Failed = tally.Failed,
            FirstFailures = tally.FirstFailures,
            Skipped = tally.Skipped,
            FailedEarlier = plan.FailedEarlier,
            Changes = plan.Changes,
            Clips = tally.Clips,
            DecodedByLibraries = pool.Decoded,
            Seconds = tally.Seconds,
            ClipsPerSecond = tally.Seconds > 0 ? tally.Clips / tally.Seconds : 0,
            CpuMsPerClip = tally.Clips > 0 ? (CpuClock.Milliseconds() - cpu) / tally.Clips : 0,
            Stopped = stopped,
            ManifestVersion = manifest.Version,
            Report = graph.Report(),
            WriteTrace = graph.WriteTrace,
        };
    }

    /// <summary>Says what a run would do, and decodes a few of its files to tell about what it would take. Writes nothing.</summary>
    /// <exception cref="UsageException">What a run refuses.</exception>
    public async Task<IngestForecast> ForecastAsync(CancellationToken cancellationToken)
    {
        var (items, notes) = await LeavableAsync(() => Items(cancellationToken), cancellationToken);
        var cache = Cache.TryOpen(_options.Out);
        if (cache?.Manifest.Fingerprint.Differences(Fingerprint()) is { Count: > 0 } differences)
        {
            throw new FingerprintMismatchException(cache.Path, differences);
        }

        var ledger = cache?.ReadLedger() ?? new Dictionary<string, LedgerEntry>(StringComparer.Ordinal);
        var plan = await LeavableAsync(() => Plan(items, ledger, cache?.Manifest, cancellationToken), cancellationToken);
        List<PendingItem> files = [.. plan.Pending.Where(static item => item.Source is { IsAbsent: false, Flaw: null })];
        await using var pool = NewPool();
        IngestSampler sampler = new(NewDecodeStage(pool), NewMelStage(), _sizes.Workers, _time);
        if (files.Count > 0)
        {
            await pool.TryAsync(cancellationToken);
            await sampler.RunAsync(files, cancellationToken);
        }

        double? Of(double each) => sampler.Count > 0 ? files.Count * each : files.Count == 0 ? 0 : null;
        return new IngestForecast
        {
            Pending = plan.Pending.Count,
            New = plan.New,
            Settled = plan.Total - plan.Pending.Count,
            FailedEarlier = plan.FailedEarlier,
            Changes = plan.Changes,
            Notes = [.. notes, .. cache?.Warnings ?? [], .. plan.Changes.Say(_options.Changed, _options.Gone)],
            Sampled = sampler.Count,
            Workers = _sizes.Workers,
            Bytes = (long?)Of(sampler.Bytes),
            Clips = Of(sampler.Clips) is { } clips ? (long)Math.Round(clips) : null,
            Seconds = Of(sampler.Seconds) / Math.Min(_sizes.Workers, Math.Max(1, files.Count)),
        };
    }

    private string Way(DecoderPool pool) => pool.Unusable is { } reason
        ? $"decoding by a process of ffmpeg {_tools.Version} for each source, at up to twice the CPU time of its libraries, which cannot be used: {reason}"
        : $"decoding by the libraries of ffmpeg {_tools.Version}, and by a process for each source that they leave";

    private async Task<(PipelineGraph Graph, bool Stopped)> RunAsync(
        DecoderPool pool, CacheWriter writer, IngestPlan plan, IngestTally tally, CancellationToken cancellationToken)
    {
        var (graph, writing, run) = Build(pool, writer, plan, tally, cancellationToken);
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
        var items = Items(cancellationToken).Items.Where(item => Partition.Owns(item.Id, _options.Partition, _options.Partitions));
        var (graph, decoded) = BuildDecoding(pool, new Queue<PendingItem>(items.Select(static item => new PendingItem(item, 0))));
        await graph.RunAsync(decoded, "discard", Discard, cancellationToken: cancellationToken);
        return graph;

        static ValueTask Discard(DecodedItem item, CancellationToken cancellationToken)
        {
            item.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private (PipelineGraph Graph, WriteStage Writing, Func<Task> Run) Build(
        DecoderPool pool, CacheWriter writer, IngestPlan plan, IngestTally tally, CancellationToken cancellationToken)
    {
        var melStage = NewMelStage();
        var writeStage = new WriteStage(writer, Fingerprint(), plan.Replaces, TimeSpan.FromSeconds(_options.CommitInterval), tally, _time);
        var (graph, decoded) = BuildDecoding(pool, plan.Pending);
        tally.Graph = graph;
        var prepared = graph.Stage<DecodedItem, PreparedItem>(
            FailureStages.Mel, decoded, melStage.RunAsync,
            new StageOptions { Parallelism = _sizes.Preparing, QueueCapacity = _sizes.Queue, Remedy = "cache --frames raw, or raise --workers" });
        return (graph, writeStage, () => graph.RunAsync(
            prepared, FailureStages.Write, writeStage.RunAsync, new StageOptions { QueueCapacity = _sizes.Queue, Remedy = "put the cache on a faster disk" }, cancellationToken));
    }

    private (PipelineGraph Graph, IStage<DecodedItem> Decoded) BuildDecoding(DecoderPool pool, Queue<PendingItem> pending)
    {
        var decodeStage = NewDecodeStage(pool);
        var graph = new PipelineGraph("ingest", new PipelineGraphOptions
        {
            ByteBudget = new ByteBudget(_sizes.MemoryBudget),
            TimeProvider = _time,
            StageDelays = _options.StageDelays,
            TraceCapacity = _options.TraceCapacity,
        });
        var catalog = graph.Source(FailureStages.Catalog, Drain(pending).ToAsyncEnumerable());
        var decoded = graph.Stage<PendingItem, DecodedItem>(
            FailureStages.Decode, catalog, decodeStage.RunAsync,
            new StageOptions { Parallelism = _sizes.Workers, QueueCapacity = _sizes.Queue, Remedy = "raise --workers on a machine with more cores, or share the items among processes with --partition i/n" },
            reserve: _ => 2 * _sizes.ResidentBytes); // frames and samples
        return (graph, decoded);
    }

    private static IEnumerable<PendingItem> Drain(Queue<PendingItem> pending)
    {
        while (pending.TryDequeue(out var item))
        {
            yield return item;
        }
    }

    private DecodeStage NewDecodeStage(DecoderPool pool)
    {
        var decode = DecodeOptions();
        var decoder = _decoder ?? new MediaDecoder(_tools, decode, _time, pool);
        var stretches = new StretchProbe(_tools, decode.ItemTimeout, _time);
        return new DecodeStage(decoder, decode, _options.OnMissing, _options.MaxClip, new EnvironmentGuard(_options.Root), stretches, _time);
    }

    private MelStage NewMelStage()
    {
        var fingerprint = Fingerprint();
        var options = new LogMelOptions { SampleRate = fingerprint.SampleRate, NFft = fingerprint.NFft, Hop = fingerprint.Hop, Mels = fingerprint.Mels };
        return new MelStage(MelBackends.Create(_options.Mel, options), fingerprint, _options.MaxClip, _options.OnMissing, JpegQuality, _spectrograms);
    }

    private DecoderPool NewPool() => new(_tools, DecodeOptions(), _time);

    private (List<SourceItem> Items, IReadOnlyList<string> Notes) Items(CancellationToken cancellationToken)
    {
        var (items, notes) = _options.Items is { } listed ? new CatalogListing(listed, []) : DatasetRegistry.Open(
            _options.Dataset,
            new CatalogOptions { Root = _options.Root, Split = _options.Split, Annotations = _options.Annotations, Strict = _options.Strict, Out = CacheName.Full(_options.Out) }).List(cancellationToken);
        var ids = new Lazy<HashSet<string>>(() => items.Select(static item => item.Id).ToHashSet(StringComparer.Ordinal));
        return ([.. SharedIds.Mark(items, id => ids.Value.Contains(id), [])], notes);
    }

    // A file system that hangs cannot be told to stop: the run leaves it waiting.
    private static Task<T> LeavableAsync<T>(Func<T> look, CancellationToken cancellationToken) =>
        Task.Run(look, cancellationToken).WaitAsync(cancellationToken);

    private IngestPlan Plan(List<SourceItem> items, IReadOnlyDictionary<string, LedgerEntry> ledger, Manifest? head, CancellationToken cancellationToken) =>
        IngestPlan.Of(_options, Origin(), items, ledger, head?.Origins ?? [], cancellationToken);

    private DecodeOptions DecodeOptions() => new()
    {
        Fps = _options.Fps,
        ShortSide = _options.ShortSide,
        SampleRate = Fingerprint().SampleRate,
        Modalities = Decoded,
        MinClip = _options.MinClip,
        ItemTimeout = TimeSpan.FromSeconds(_options.ItemTimeout),
        MaxPixels = _options.MaxPixels,
        MaxAspect = _options.MaxAspect,
        MaxDecoded = _options.MaxDecoded,
        ResidentBytes = _sizes.ResidentBytes,
        Buffers = _media,
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
