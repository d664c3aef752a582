using System.Runtime.CompilerServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The stages of a feed: order → read → augment → collate → the consumer.</summary>
internal sealed class FeedGraph
{
    private readonly ViewOptions _options;
    private readonly SampleWorker _worker;
    private readonly BatchCollator _collator;
    private readonly List<BatchAssembly> _assemblies = [];

    public FeedGraph(string name, ViewOptions options, SampleWorker worker, BatchCollator collator)
    {
        (_options, _worker, _collator) = (options, worker, collator);
        Graph = new PipelineGraph(name, options.Diagnostics with { ByteBudget = new ByteBudget(options.MemoryBudget) });
    }

    public PipelineGraph Graph { get; }

    /// <summary>Runs the samples of the assemblies through the stages; once.</summary>
    /// <param name="assemblies">The batches to make, in order.</param>
    /// <param name="consumer">Who takes the batches, in words.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<HostBatch> ReadAsync(
        IEnumerable<BatchAssembly> assemblies, string consumer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var last = Build(assemblies.SelectMany(Track));
        try
        {
            await foreach (var batch in Graph.ReadAllAsync(last, new StageOptions { Title = consumer, Remedy = "the feed keeps up" }, cancellationToken))
            {
                yield return batch;
            }
        }
        finally
        {
            _assemblies.ForEach(a => a.Dispose()); // the graph has ended: nobody writes into these any more
        }
    }

    private IEnumerable<FeedSample> Track(BatchAssembly assembly)
    {
        _assemblies.RemoveAll(a => a.IsOver);
        _assemblies.Add(assembly);
        return assembly.Samples;
    }

    private IStage<HostBatch> Build(IEnumerable<FeedSample> samples)
    {
        var workers = _options.WorkersOrCores;
        var read = Graph.Stage<FeedSample, FeedSample>(
            "read",
            Graph.Source(
                "order", samples.ToAsyncEnumerable(), new StageOptions { Remedy = "use larger batches: laying out a batch costs more than filling it" }),
            (sample, _) => ValueTask.FromResult(Read(sample)),
            new StageOptions
            {
                Parallelism = _options.Readers,
                QueueCapacity = _options.Readers,
                Remedy = $"put the cache on a faster disk, or raise data.readers from {_options.Readers}",
            });

        var augmented = Graph.Stage<FeedSample, FeedSample>(
            "augment",
            read,
            (sample, _) => ValueTask.FromResult(Augment(sample)),
            new StageOptions
            {
                Parallelism = workers,
                QueueCapacity = workers,
                Remedy = $"raise data.workers from {workers}, give the process more cores, or use fewer local views",
            });
        return Graph.Expand(
            "collate",
            augmented,
            (sample, _) => _collator.Take(sample).ToAsyncEnumerable(),
            new StageOptions { QueueCapacity = workers, Remedy = "damaged rows are being replaced here: run xkd verify and repair the cache" });
    }

    private FeedSample Read(FeedSample sample)
    {
        try
        {
            _worker.Read(sample);
        }
        catch (CorruptCacheException damage) when (_options.CorruptRows == CorruptRowPolicy.Skip)
        {
            sample.Damage = damage; // counted by the stage; its slot is filled later, in the order of the steps
        }

        return sample;
    }

    private FeedSample Augment(FeedSample sample)
    {
        if (!sample.Failed)
        {
            _worker.Augment(sample);
            _worker.Settle(sample);
        }

        return sample;
    }
}
