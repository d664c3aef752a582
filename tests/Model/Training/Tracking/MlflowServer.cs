using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Xkd.Model.Tests.Training;

/// <summary>What goes wrong with one request.</summary>
/// <param name="Status">The answer in place of the server's own; 0: its own.</param>
/// <param name="Lost">The connection breaks in place of an answer.</param>
/// <param name="Handled">The request is carried out all the same.</param>
/// <param name="Half">Half of the metrics are written, and the connection breaks.</param>
/// <param name="Hangs">There never is an answer.</param>
/// <param name="RetryAfter">Seconds of Retry-After.</param>
/// <param name="Body">The answer's text.</param>
internal sealed record MlflowFault(
    int Status = 0, bool Lost = false, bool Handled = false, bool Half = false, bool Hangs = false, int? RetryAfter = null, string Body = "<html>");

/// <summary>
/// An MLflow tracking server in this process, as strict as the documentation of its REST API 2.0: unknown fields and wrong types are refused (the real one passes
/// over the former), so are requests over the limits, names that are none, runs that there are not, and parameters that change. Every metric is kept as it came,
/// so that one sent twice is seen.
/// </summary>
internal sealed partial class MlflowServer : IDisposable
{
    private static readonly string[] Statuses = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _closed = new();
    private readonly SemaphoreSlim _pulse = new(0);
    private readonly ConcurrentQueue<(string Call, TimeSpan At, string? Authorization)> _requests = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private HttpListener? _listener;

    public MlflowServer()
    {
        for (var tries = 0; ; tries++)
        {
            using (TcpListener probe = new(IPAddress.Loopback, 0))
            {
                probe.Start();
                Port = ((IPEndPoint)probe.LocalEndpoint).Port;
            }

            try
            {
                Start();
                return;
            }
            catch (HttpListenerException) when (tries < 5)
            {
                // Another process was quicker to take the port.
            }
        }
    }

    public int Port { get; }

    public Uri Uri => new($"http://127.0.0.1:{Port}/");

    /// <summary>Given a call such as <c>runs/log-batch</c> and how often it was made before, what goes wrong with it.</summary>
    public Func<string, int, MlflowFault?> Faults { get; set; } = (_, _) => null;

    public Dictionary<string, string> Experiments { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, MlflowRun> Runs { get; } = new(StringComparer.Ordinal);

    public MlflowRun Run => Assert.Single(Runs).Value;

    public (string Call, TimeSpan At, string? Authorization)[] Requests => [.. _requests];

    public int Answered { get; private set; }

    public void Start()
    {
        HttpListener listener = new();
        listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
        listener.Start();
        _listener = listener;
        _ = ServeAsync(listener);
    }

    /// <summary>Connections are refused from here on.</summary>
    public void Stop() => _listener?.Abort();

    /// <summary>Waits until what the server has seen is so; asked after every request.</summary>
    public void Until(Func<bool> condition)
    {
        var limit = Stopwatch.StartNew();
        for (var holds = false; !holds;)
        {
            lock (_gate)
            {
                holds = condition();
            }

            var asked = holds || (limit.Elapsed < TimeSpan.FromMinutes(1) && _pulse.Wait(TimeSpan.FromMinutes(1)));
            Assert.True(asked, "the server was not asked what it waits for");
        }
    }

    public void Dispose()
    {
        _closed.TrySetResult();
        Stop();
    }

    private async Task ServeAsync(HttpListener listener)
    {
        while (true)
        {
            try
            {
                var context = await listener.GetContextAsync();
                _ = Task.Run(() => AnswerAsync(context));
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            var call = context.Request.Url!.AbsolutePath.Replace("/api/2.0/mlflow/", "", StringComparison.Ordinal);
            using StreamReader reader = new(context.Request.InputStream, Encoding.UTF8);
            var text = await reader.ReadToEndAsync();
            var fault = Faults(call, _requests.Count(request => request.Call == call));
            _requests.Enqueue((call, _clock.Elapsed, context.Request.Headers["Authorization"]));
            var (status, body) = (0, "");
            if (fault is null or { Handled: true } or { Half: true })
            {
                if (fault is { Half: true } && JsonNode.Parse(text) is JsonObject cut)
                {
                    cut["metrics"] = new JsonArray([.. cut["metrics"]!.AsArray().Take(cut["metrics"]!.AsArray().Count / 2).Select(metric => metric!.DeepClone())]);
                    text = cut.ToJsonString();
                }

                (status, body) = Handle(call, context.Request, text);
            }

            _pulse.Release();
            if (fault is { Hangs: true })
            {
                await _closed.Task;
            }

            if (fault is { Lost: true } or { Half: true } or { Hangs: true })
            {
                context.Response.ContentLength64 = 100;
                context.Response.OutputStream.Write("{"u8);
                context.Response.Abort(); // before its first byte it would be an answer without text
                return;
            }

            if (fault is { Status: > 0 })
            {
                (status, body) = (fault.Status, fault.Body);
                if (fault.RetryAfter is { } seconds)
                {
                    context.Response.Headers["Retry-After"] = $"{seconds}";
                }
            }

            context.Response.StatusCode = status;
            context.Response.Close(Encoding.UTF8.GetBytes(body), willBlock: true);
            Answered++;
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away, or the server.
        }
    }

    private (int Status, string Body) Handle(string call, HttpListenerRequest request, string text)
    {
        lock (_gate)
        {
            try
            {
                return (200, Answer(request.HttpMethod, call, request, text).ToJsonString());
            }
            catch (RefusedException e)
            {
                return (e.Status, new JsonObject { ["error_code"] = e.Code, ["message"] = e.Message }.ToJsonString());
            }
        }
    }

    private JsonObject Answer(string method, string call, HttpListenerRequest request, string text)
    {
        if (method == "POST" && (request.ContentLength64 <= 0 || request.ContentType?.Split(';')[0] != "application/json" || text.Length > 1_000_000))
        {
            throw Invalid("Bad Request. Content-Type must be application/json, of a length of at most 1000000 bytes");
        }

        switch (method, call)
        {
            case ("GET", "experiments/get-by-name"):
                var name = request.QueryString["experiment_name"] ?? throw Invalid("Missing value for required parameter 'experiment_name'");
                return Experiments.TryGetValue(name, out var id)
                    ? new() { ["experiment"] = new JsonObject { ["experiment_id"] = id, ["name"] = name, ["lifecycle_stage"] = "active" } }
                    : throw new RefusedException(404, "RESOURCE_DOES_NOT_EXIST", $"Could not find experiment with name '{name}'");
            case ("POST", "experiments/create"):
                var experiment = Fields(text, "name:string");
                return Experiments.TryAdd((string)experiment["name"]!, $"{Experiments.Count + 1}") ? new() { ["experiment_id"] = $"{Experiments.Count}" }
                    : throw new RefusedException(400, "RESOURCE_ALREADY_EXISTS", "Experiment already exists");
            case ("POST", "runs/create"):
                var create = Fields(text, "experiment_id:string", "run_name:string", "start_time:long");
                if (!Experiments.ContainsValue((string)create["experiment_id"]!))
                {
                    throw new RefusedException(404, "RESOURCE_DOES_NOT_EXIST", $"No Experiment with id={create["experiment_id"]} exists");
                }

                MlflowRun made = new($"run{Runs.Count + 1}", (string)create["experiment_id"]!);
                Runs.Add(made.Id, made);
                return new() { ["run"] = made.ToJson() };
            case ("GET", "runs/get"):
                return new() { ["run"] = Find(request.QueryString["run_id"]).ToJson() };
            case ("POST", "runs/update"):
                var update = Fields(text, "run_id:string", "status:string", "end_time:long?");
                var updated = Find((string)update["run_id"]!);
                updated.Status = (string)update["status"]! is var status && Statuses.Contains(status) ? status : throw Invalid($"Invalid status {status}");
                updated.Statuses.Add(status);
                updated.EndTime = (long?)update["end_time"] ?? updated.EndTime;
                return new() { ["run_info"] = updated.ToJson()["info"]!.DeepClone() };
            case ("POST", "runs/log-batch"):
                LogBatch(Fields(text, "run_id:string", "metrics:array", "params:array", "tags:array"));
                return [];
            default:
                throw new RefusedException(404, "ENDPOINT_NOT_FOUND", $"No API found for '{method} {call}'");
        }
    }

    private void LogBatch(JsonObject body)
    {
        var run = Find((string)body["run_id"]!);
        var metrics = Items(body, "metrics", 1000, "key:string", "value:number", "timestamp:long", "step:long");
        var (parameters, tags) = (Items(body, "params", 100, "key:string", "value:string"), Items(body, "tags", 100, "key:string", "value:string"));
        if (metrics.Length + parameters.Length + tags.Length > 1000)
        {
            throw Invalid("A batch logging request can contain at most 1000 metrics, params, and tags.");
        }

        foreach (var parameter in parameters)
        {
            var (key, value) = ((string)parameter["key"]!, (string)parameter["value"]!);
            if (value.Length > 6000 || run.Params.GetValueOrDefault(key, value) != value)
            {
                throw Invalid($"Changing param values is not allowed, nor values of over 6000 characters. Param with key='{key}'");
            }

            run.Params[key] = value;
        }

        foreach (var tag in tags)
        {
            run.Tags[(string)tag["key"]!] = (string)tag["value"]! is { Length: <= 5000 } value ? value : throw Invalid("Tag value had length over 5000");
        }

        foreach (var metric in metrics)
        {
            var (key, value) = ((string)metric["key"]!, metric["value"]!);
            var number = value.GetValueKind() == JsonValueKind.String ? double.Parse((string)value!) : (double)value;
            run.Metrics.Add((key, number, (long)metric["timestamp"]!, (long)metric["step"]!));
        }
    }

    private MlflowRun Find(string? id) => Runs.GetValueOrDefault(id ?? "")
        ?? throw new RefusedException(404, "RESOURCE_DOES_NOT_EXIST", $"Run with id={id} not found");

    private static JsonObject[] Items(JsonObject body, string name, int most, params string[] fields)
    {
        JsonObject[] items = [.. body[name]!.AsArray().Select(item => Typed(item!.AsObject(), fields))];
        return items.Length > most ? throw Invalid($"A batch logging request can contain at most {most} {name}. Got {items.Length} {name}.")
            : items.FirstOrDefault(item => !Name().IsMatch((string)item["key"]!)) is { } bad ? throw Invalid($"Invalid name: '{bad["key"]}'")
            : items;
    }

    private static JsonObject Fields(string text, params string[] fields) => Typed(JsonNode.Parse(text)!.AsObject(), fields);

    private static JsonObject Typed(JsonObject found, string[] fields)
    {
        foreach (var unknown in found.Select(field => field.Key).Except(fields.Select(field => field.Split(':')[0])))
        {
            throw Invalid($"Unknown field {unknown}");
        }

        foreach (var (name, type) in fields.Select(field => (field.Split(':')[0], field.Split(':')[1])))
        {
            var good = (type.TrimEnd('?'), found[name]) switch
            {
                (_, null) => type.EndsWith('?'),
                ("string", JsonValue value) => value.TryGetValue<string>(out _),
                ("long", JsonValue value) => value.TryGetValue<long>(out _),
                ("number", JsonValue value) => value.TryGetValue<double>(out _) || value.ToString() is "NaN" or "Infinity" or "-Infinity",
                ("array", JsonArray) => true,
                _ => false,
            };
            if (!good)
            {
                throw Invalid($"Invalid value {found[name]?.ToJsonString()} for parameter '{name}' supplied: {type} is expected");
            }
        }

        return found;
    }

    private static RefusedException Invalid(string message) => new(400, "INVALID_PARAMETER_VALUE", message);

    [GeneratedRegex(@"^[/\w.\- ]{1,250}$")]
    private static partial Regex Name();

    private sealed class RefusedException(int status, string code, string message) : Exception(message)
    {
        public int Status => status;

        public string Code => code;
    }
}

/// <summary>What the server keeps of a run.</summary>
internal sealed record MlflowRun(string Id, string Experiment)
{
    public string Status { get; set; } = "RUNNING";

    /// <summary>All that it was set to.</summary>
    public List<string> Statuses { get; } = [];

    public long EndTime { get; set; }

    public Dictionary<string, string> Params { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Tags { get; } = new(StringComparer.Ordinal);

    public List<(string Key, double Value, long Timestamp, long Step)> Metrics { get; } = [];

    public long Steps => Metrics.Count == 0 ? 0 : Metrics.Max(metric => metric.Step);

    public JsonObject ToJson() => new()
    {
        ["info"] = new JsonObject { ["run_id"] = Id, ["experiment_id"] = Experiment, ["status"] = Status, ["lifecycle_stage"] = "active" },
        ["data"] = new JsonObject
        {
            ["metrics"] = new JsonArray([.. Metrics.GroupBy(m => m.Key).Select(of => of.MaxBy(m => (m.Step, m.Timestamp))).Select(m => (JsonNode)new JsonObject
            {
                ["key"] = m.Key, ["value"] = double.IsFinite(m.Value) ? m.Value : $"{m.Value}", ["timestamp"] = m.Timestamp, ["step"] = m.Step,
            })]),
            ["params"] = new JsonArray([.. Params.Select(p => (JsonNode)new JsonObject { ["key"] = p.Key, ["value"] = p.Value })]),
            ["tags"] = new JsonArray([.. Tags.Select(t => (JsonNode)new JsonObject { ["key"] = t.Key, ["value"] = t.Value })]),
        },
    };
}
