using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Polly;
using Polly.Retry;
using Polly.Timeout;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// Sends a run to MLflow while it trains, and never makes it wait. <c>metrics.jsonl</c> is the queue, so that a crash, or a server that is down for days, loses
/// nothing. Where to go on is asked of the server, for it alone knows what it has. So a step is sent once, also where an answer was lost; and steps that a
/// resumed run does again, to the same losses, stay as they were sent first. One task sends; rank 0 has one, under the lock of the run's folder.
/// </summary>
internal sealed class MlflowSender : IDisposable
{
    // Of each step it is sent last, and a request is written in its order: a step that has it is whole.
    private const string LastKey = "loss";

    // Of the offset: the server is to be asked what it has.
    private const long Unknown = -1;

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private readonly MlflowOptions _options;
    private readonly RunFolder _run;
    private readonly ITrainingObserver _observer;
    private readonly TimeProvider _time;
    private readonly MlflowClient _client;
    private readonly ResiliencePipeline _retries;
    private readonly ConcurrentQueue<string> _notes = new();
    private readonly Channel<bool> _appended = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _sending;
    private Identity? _id, _kept;
    private bool _described, _down, _told;
    private long _offset = Unknown, _sentStep, _sentTime, _sentHere;
    private string? _status;

    /// <param name="options">The server.</param>
    /// <param name="run">The folder of the run, which has begun.</param>
    /// <param name="parameters">The configuration, by key.</param>
    /// <param name="tags">What else is said of the run.</param>
    /// <param name="observer">Told by the training thread, in <see cref="Wake"/> and <see cref="End"/>.</param>
    /// <param name="time">The clock.</param>
    public MlflowSender(
        MlflowOptions options, RunFolder run, IEnumerable<(string Key, string Value)> parameters, IEnumerable<(string Key, string Value)> tags,
        ITrainingObserver observer, TimeProvider time)
    {
        (_options, _run, _observer, _time, _client) = (options, run, observer, time, new MlflowClient(options, time));
        _retries = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Exception is { } error && MayPass(error)),
                MaxRetryAttempts = int.MaxValue, // the run's end ends it
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                DelayGenerator = static attempt => ValueTask.FromResult((attempt.Outcome.Exception as MlflowException)?.RetryAfter),
            })
            .Build();
        (string, string)[] told = [.. parameters], said = [.. tags];
        _sending = Task.Run(() => SendAsync(told, said));
        _appended.Writer.TryWrite(true); // the run shows up before its first step
    }

    /// <summary>Metrics were written; says what happened. Returns at once.</summary>
    public void Wake()
    {
        _appended.Writer.TryWrite(true);
        Say();
    }

    /// <summary>Sends the rest and the run's status, and waits for it as long as <see cref="MlflowOptions.EndWait"/>; then says what is where.</summary>
    /// <param name="status">FINISHED, FAILED, or KILLED where it was stopped: then it is RUNNING again when it is resumed.</param>
    public void End(string status)
    {
        if (_status is not null)
        {
            return;
        }

        _status = status;
        _appended.Writer.TryWrite(true); // what ended the run may have come after its last lines
        _appended.Writer.TryComplete();
        _stop.CancelAfter(_options.EndWait);
        _sending.Wait();
        Say();
        var steps = MetricsLog.UpTo(_run.Metrics, long.MaxValue).Step;
        var lacks = !_described ? $"was not reached; {_run.Path} keeps all {steps} steps"
            : _sentStep < steps ? $"lacks {steps - _sentStep} of {steps} steps, which {_run.Path} keeps"
            : _told ? null : "was not told how the run ended";
        _observer.Note(lacks is null
            ? $"MLflow has all {steps} steps, {_sentHere} sent by this start: "
                + $"{_options.Uri.AbsoluteUri.TrimEnd('/')}/#/experiments/{_id!.ExperimentId}/runs/{_id.RunId}"
            : $"MLflow at {_options.Uri} {lacks}. To send the rest: xkd train --out {_run.Path} --resume --mlflow {_options.Uri}");
    }

    public void Dispose()
    {
        End("FAILED"); // of no effect where the run has ended
        _client.Dispose();
        _stop.Dispose();
    }

    private static bool MayPass(Exception error) =>
        error is MlflowException { MayPass: true } or HttpRequestException or IOException or TimeoutRejectedException;

    private async Task SendAsync((string Key, string Value)[] parameters, (string Key, string Value)[] tags)
    {
        // Again and again, until it succeeds, is refused for good, or the run's end has no more patience.
        async Task<bool> TryAsync(Func<CancellationToken, Task<bool>> call) => await _retries.ExecuteAsync(
            async ct =>
            {
                try
                {
                    if (_offset == Unknown)
                    {
                        await ConnectAsync(parameters, tags, ct);
                    }

                    var result = await call(ct);
                    Turn(down: false, "answers again");
                    return result;
                }
                catch (Exception e)
                {
                    _offset = Unknown; // what of it has arrived, the server knows
                    if (MayPass(e))
                    {
                        Turn(down: true, $"fails: {e.Message.TrimEnd('.')}. It is tried again; training goes on, and {_run.Metrics} keeps what waits");
                    }

                    throw;
                }
            },
            _stop.Token);

        try
        {
            await foreach (var _ in _appended.Reader.ReadAllAsync(_stop.Token))
            {
                while (await TryAsync(SendBatchAsync))
                {
                }
            }

            _told = !await TryAsync(SendEndAsync);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // End says what waits.
        }
        catch (Exception e)
        {
            // Whatever it is, training goes on.
            _notes.Enqueue(
                $"MLflow at {_options.Uri}: {e.Message.TrimEnd('.')}. Nothing more is sent there; training goes on, and {_run.Metrics} keeps all steps");
        }
    }

    private async Task<bool> SendBatchAsync(CancellationToken ct)
    {
        List<(string, double, long, long)> metrics = [];
        var (end, last) = (_offset, (StepMetrics?)null);
        var count = 0;
        foreach (var (step, after) in MetricsLog.ReadFrom(_run.Metrics, _offset))
        {
            var values = step.Values.Where(value => value.Key is not ("step" or LastKey)).Append(new(LastKey, step.Loss)).ToArray();
            if (count > 0 && metrics.Count + values.Length > MlflowClient.MaxMetrics)
            {
                break;
            }

            if (step.Step > _sentStep)
            {
                metrics.AddRange(values.Select(value => (value.Key, value.Value, step.Time > 0 ? step.Time : Now, step.Step)));
                (last, count) = (step, count + 1);
            }

            end = after;
        }

        if (last is not null)
        {
            await _client.LogBatchAsync(_id!.RunId, metrics, [], [], ct);
            (_sentStep, _sentTime, _sentHere) = (last.Step, last.Time, _sentHere + count);
        }

        var more = end > _offset;
        _offset = end;
        return more;
    }

    private async Task<bool> SendEndAsync(CancellationToken ct)
    {
        if (File.Exists(_run.Verdict) && JsonNode.Parse(await File.ReadAllTextAsync(_run.Verdict, ct))?["summary"]?.ToString() is { } health)
        {
            await _client.LogBatchAsync(_id!.RunId, [], [], [("xkd.health", health)], ct);
        }

        await _client.UpdateRunAsync(_id!.RunId, _status!, _sentTime > 0 ? _sentTime : Now, ct); // not the time of sending, which may be days later
        return false; // there is no more
    }

    // Finds the run at the server, or makes it, and learns how much of it is there.
    private async Task ConnectAsync((string Key, string Value)[] parameters, (string Key, string Value)[] tags, CancellationToken ct)
    {
        var run = await FindAsync(ct);
        if (run is null)
        {
            var experiment = await _client.ExperimentAsync(_options.Experiment, ct);
            run = await _client.CreateRunAsync(experiment, _run.Name, Now, ct);
            (_id, _described) = (new Identity(_options.Uri.AbsoluteUri, experiment, MlflowClient.Text(run["info"]?["run_id"])), false);
        }

        if (_kept != _id)
        {
            AtomicFile.Write(_run.Mlflow, stream => JsonSerializer.Serialize(stream, _id, JsonOptions));
            _kept = _id;
        }

        if (!_described)
        {
            // A parameter cannot change at MLflow: of a run that is resumed with others, those of its first start stay.
            HashSet<string?> known = [.. (run["data"]?["params"]?.AsArray() ?? []).Select(p => p?["key"]?.ToString())];
            await _client.LogBatchAsync(_id!.RunId, [], [], tags, ct);
            foreach (var chunk in parameters.Where(p => !known.Contains(p.Key)).Chunk(MlflowClient.MaxParams))
            {
                await _client.LogBatchAsync(_id.RunId, [], chunk, [], ct);
            }

            if (run["info"]?["status"]?.ToString() is not "RUNNING")
            {
                await _client.UpdateRunAsync(_id.RunId, "RUNNING", end: null, ct);
            }

            _described = true;
        }

        var newest = (run["data"]?["metrics"]?.AsArray() ?? []).FirstOrDefault(metric => metric?["key"]?.ToString() == LastKey);
        (_sentStep, _sentTime) = (Whole(newest?["step"]), Whole(newest?["timestamp"]));
        _offset = MetricsLog.UpTo(_run.Metrics, _sentStep).Length;
    }

    // Null where there is none to go on with: another server gets a run of its own, with all steps.
    private async Task<JsonNode?> FindAsync(CancellationToken ct)
    {
        try
        {
            _id ??= _kept = File.Exists(_run.Mlflow) ? JsonSerializer.Deserialize<Identity>(await File.ReadAllBytesAsync(_run.Mlflow, ct), JsonOptions) : null;
            return _id?.Uri == _options.Uri.AbsoluteUri ? await _client.RunAsync(_id.RunId, ct) : null;
        }
        catch (JsonException e)
        {
            throw new FailureException($"{_run.Mlflow} is damaged: restore it, or remove it, and a new MLflow run gets all steps", e);
        }
        catch (MlflowException e) when (e.IsAbsent)
        {
            _notes.Enqueue($"MLflow at {_options.Uri} has no run {_id!.RunId} any more: a new one gets all steps");
            return null;
        }
    }

    private void Turn(bool down, string said)
    {
        if (_down != down)
        {
            _notes.Enqueue($"MLflow at {_options.Uri} {said}");
        }

        _down = down;
    }

    private void Say()
    {
        while (_notes.TryDequeue(out var note))
        {
            _observer.Note(note);
        }
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static long Whole(JsonNode? node) => node is null ? 0 : long.Parse(node.ToString(), CultureInfo.InvariantCulture);

    /// <summary>What <c>mlflow.json</c> keeps.</summary>
    private sealed record Identity(string Uri, string ExperimentId, string RunId);
}
