using System.Runtime.CompilerServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// A chain of bounded, named, measured stages on TPL Dataflow: a source, stages, and either a sink that runs it to its end
/// (<see cref="RunAsync"/>) or an external consumer that pulls from it (<see cref="ReadAllAsync"/>). A graph runs once.
/// Items that are <see cref="IPayload"/> count against the byte budget; items that are <see cref="IDisposable"/> and do not reach
/// the end, because the run is cancelled or fails, are disposed, those whose work threw included: disposing twice must be harmless.
/// </summary>
public sealed class PipelineGraph
{
    /// <summary>The name under which the time of an external consumer is reported.</summary>
    public const string Consumer = "consumer";

    private readonly PipelineGraphOptions _options;
    private readonly TimeProvider _time;
    private readonly List<Node> _nodes = [];
    private readonly TraceBuffer? _trace;
    private OccupancyHistory? _history;
    private long _started;
    private long _ended;
    private bool _used;

    /// <param name="name">Names the graph in reports, metrics and traces.</param>
    /// <param name="options">Budget, clock and diagnostics.</param>
    public PipelineGraph(string name, PipelineGraphOptions? options = null)
    {
        Name = name;
        _options = options ?? new PipelineGraphOptions();
        _time = _options.TimeProvider;
        _trace = _options.TraceCapacity > 0 ? new TraceBuffer(_options.TraceCapacity, _time) : null;
    }

    public string Name { get; }

    /// <summary>Bytes of payload held now; 0 without a budget.</summary>
    public long BytesInFlight => _options.ByteBudget?.InFlight ?? 0;

    /// <summary>Adds the source. The enumerable is read by one worker and is given a token that fires when the run stops.</summary>
    /// <param name="name">The stage's name.</param>
    /// <param name="items">The items.</param>
    /// <param name="options">Only the remedy applies.</param>
    public ISource<T> Source<T>(string name, IAsyncEnumerable<T> items, StageOptions? options = null)
    {
        if (_nodes.Count != 0)
        {
            throw new InvalidOperationException($"graph {Name} has its source already");
        }

        SourceNode<T> node = new(Meter(name, (options ?? new StageOptions()) with { Parallelism = 1 }), items);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Adds a stage that makes one item of each item.</summary>
    /// <param name="name">The stage's name.</param>
    /// <param name="upstream">The stage before it.</param>
    /// <param name="work">The work; owns its input. What it throws fails the item, see <paramref name="onFailure"/>.</param>
    /// <param name="options">Parallelism, queue, order, remedy.</param>
    /// <param name="onFailure">Maps a failed item to an outcome that goes on; throwing, or no handler, stops the run.</param>
    /// <param name="reserve">Bytes to acquire before the work begins: the most the item will ever hold. What turns out unused is returned.</param>
    public IStage<TOut> Stage<TIn, TOut>(
        string name,
        IStage<TIn> upstream,
        Func<TIn, CancellationToken, ValueTask<TOut>> work,
        StageOptions? options = null,
        Func<TIn, Exception, TOut>? onFailure = null,
        Func<TIn, long>? reserve = null)
    {
        options ??= new StageOptions();
        StageNode<TIn, TOut> node = new(_nodes.Count, Meter(name, options), options, work, onFailure, reserve);
        Append(upstream, node, node.Queue);
        return node;
    }

    /// <summary>Adds a stage that makes any number of items of each item: cutting one apart, or gathering several into one.</summary>
    /// <param name="name">The stage's name.</param>
    /// <param name="upstream">The stage before it.</param>
    /// <param name="work">The work; owns its input. What it throws stops the run.</param>
    /// <param name="options">Parallelism, queue, order, remedy.</param>
    public IStage<TOut> Expand<TIn, TOut>(
        string name, IStage<TIn> upstream, Func<TIn, CancellationToken, IAsyncEnumerable<TOut>> work, StageOptions? options = null)
    {
        options ??= new StageOptions();
        ExpandNode<TIn, TOut> node = new(_nodes.Count, Meter(name, options), options, work);
        Append(upstream, node, node.Queue);
        return node;
    }

    /// <summary>Runs the graph to its end, every item into the sink.</summary>
    /// <param name="last">The stage before the sink.</param>
    /// <param name="name">The sink's name.</param>
    /// <param name="sink">The last stage's work; owns its input. What it throws stops the run.</param>
    /// <param name="options">Parallelism, queue, order, remedy.</param>
    /// <param name="cancellationToken">Ends the run; nothing is left running or held.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task RunAsync<T>(
        IStage<T> last,
        string name,
        Func<T, CancellationToken, ValueTask> sink,
        StageOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new StageOptions();
        SinkNode<T> node = new(_nodes.Count, Meter(name, options), options, sink);
        Append(last, node, node.Queue);
        using GraphRun run = new(_options, cancellationToken);
        using var metrics = Begin();
        using var history = _history;
        try
        {
            await run.FinishAsync(Start(run));
        }
        finally
        {
            _ended = _time.GetTimestamp();
        }
    }

    /// <summary>
    /// Starts the graph when the enumeration starts and hands its items to the caller, who owns them. The credit of an item returns
    /// when the next one is asked for, or, of an <see cref="ICreditCarrier"/>, when the item says so. Leaving the loop ends the run.
    /// </summary>
    /// <param name="last">The last stage.</param>
    /// <param name="options">The capacity of the queue in front of the consumer, and the remedy.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async IAsyncEnumerable<T> ReadAllAsync<T>(
        IStage<T> last, StageOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options = (options ?? new StageOptions { Remedy = "the graph keeps up; make its consumer faster" }) with { Parallelism = 1 };
        HandoffNode<T> node = new(_nodes.Count, Meter(Consumer, options), options);
        Append(last, node, node);
        using GraphRun run = new(_options, cancellationToken);
        using var metrics = Begin();
        using var history = _history;
        var stages = Start(run);
        try
        {
            while (await node.NextAsync(run) is { } envelope)
            {
                (var item, var credit) = (envelope.Item, envelope.Credit);
                var work = node.Meter.Begin();
                try
                {
                    yield return item;
                    await run.DelayConsumerAsync();
                }
                finally
                {
                    node.Meter.End(work);
                    credit?.Dispose();
                }
            }

            await run.FinishAsync(stages);
        }
        finally
        {
            run.Stop(); // no effect on a run that has ended
            await Task.WhenAll(stages);
            node.Drain();
            node.Meter.Close();
            _ended = _time.GetTimestamp();
        }
    }

    /// <summary>What was measured so far; callable at any time once the run has started.</summary>
    public GraphReport Report()
    {
        var now = _ended != 0 ? _ended : _time.GetTimestamp();
        var started = _started != 0 ? _started : now;
        return GraphReport.Of(
            Name,
            _time.GetElapsedTime(started, now).TotalSeconds,
            [.. _nodes.Select(n => n.Meter.Report(started, now))],
            _options.ByteBudget?.Peak ?? 0) with
        { Timeline = _history?.Samples ?? [] };
    }

    /// <summary>Writes the latest spans of work as a Chrome trace; needs a trace capacity in the options.</summary>
    public void WriteTrace(Stream stream)
    {
        var trace = _trace ?? throw new InvalidOperationException($"graph {Name} was built without a trace: set TraceCapacity");
        trace.Write(stream, Name, [.. _nodes.Select(n => n.Meter.Name)], _started, _history?.Samples ?? []);
    }

    private void Append<T>(IStage<T> upstream, Node node, IInlet<T> inlet)
    {
        if (upstream is not OutputNode<T> output || !_nodes.Contains(output) || output.Connected)
        {
            throw new ArgumentException($"{node.Meter.Name} cannot follow {upstream.Name}: it is of another graph or followed already", nameof(upstream));
        }

        output.Connect(inlet);
        _nodes.Add(node);
    }

    private StageMeter Meter(string name, StageOptions options)
    {
        options.Validate(name);
        if (_used || _nodes.Exists(n => n.Meter.Name == name))
        {
            throw new InvalidOperationException(_used ? $"graph {Name} has been run already" : $"graph {Name} has a stage {name} already");
        }

        return new StageMeter(name, options, _time) { Trace = _trace };
    }

    private PipelineMetrics Begin()
    {
        foreach (var name in _options.StageDelays.Keys.Where(name => !_nodes.Exists(n => n.Meter.Name == name)))
        {
            throw new UsageException($"no stage {name} to delay in graph {Name}: it has {string.Join(", ", _nodes.Select(n => n.Meter.Name))}");
        }

        _used = true;
        _started = _time.GetTimestamp();
        _history = _trace is null ? null : new OccupancyHistory([.. _nodes.Select(n => n.Meter)], _time, _started);
        return new PipelineMetrics(this, _options.ByteBudget);
    }

    private Task[] Start(GraphRun run) => [.. Enumerable.Reverse(_nodes).Select(n => n.StartAsync(run))];
}
