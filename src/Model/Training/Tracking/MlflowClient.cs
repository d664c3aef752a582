using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Polly;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>The few calls of MLflow's REST API (version 2.0) that a run needs.</summary>
internal sealed class MlflowClient : IDisposable
{
    /// <summary>What one request may hold: of metrics; and of parameters and tags, each.</summary>
    public const int MaxMetrics = 1000, MaxParams = 100;

    private const int MaxParamLength = 6000, MaxTagLength = 5000, ShownLength = 300;

    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // NaN and Infinity are strings, as in all protobuf JSON
    };

    // A redirection would turn a POST into a GET, and take the credentials along.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly ResiliencePipeline _timeout;
    private readonly string _root;

    public MlflowClient(MlflowOptions options, TimeProvider time)
    {
        _root = options.Uri.AbsoluteUri.TrimEnd('/') + "/api/2.0/mlflow/";
        _http.DefaultRequestHeaders.Authorization = options.Authorization;
        _timeout = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.CallTimeout).Build();
    }

    /// <summary>The experiment of a name, made where there is none.</summary>
    public async Task<string> ExperimentAsync(string name, CancellationToken ct)
    {
        var path = $"experiments/get-by-name?experiment_name={Uri.EscapeDataString(name)}";
        async Task<string> GetAsync() => Text((await CallAsync(HttpMethod.Get, path, null, ct))["experiment"]?["experiment_id"]);
        try
        {
            return await GetAsync();
        }
        catch (MlflowException e) when (e.IsAbsent)
        {
            try
            {
                return Text((await CallAsync(HttpMethod.Post, "experiments/create", new { name }, ct))["experiment_id"]);
            }
            catch (MlflowException made) when (made.Code == "RESOURCE_ALREADY_EXISTS")
            {
                return await GetAsync(); // another run was faster
            }
        }
    }

    /// <summary>Makes a run, and says what <see cref="RunAsync"/> does.</summary>
    public async Task<JsonNode> CreateRunAsync(string experiment, string name, long start, CancellationToken ct) =>
        Run(await CallAsync(HttpMethod.Post, "runs/create", new { experiment_id = experiment, run_name = name, start_time = start }, ct));

    /// <summary>What the server has of a run: info, and data with the parameters and the newest value of each metric.</summary>
    public async Task<JsonNode> RunAsync(string run, CancellationToken ct) =>
        Run(await CallAsync(HttpMethod.Get, $"runs/get?run_id={Uri.EscapeDataString(run)}", null, ct));

    /// <param name="run">The run's id.</param>
    /// <param name="metrics">Name, value, milliseconds since 1970 and step; at most <see cref="MaxMetrics"/>.</param>
    /// <param name="parameters">At most <see cref="MaxParams"/>; what is too long is cut.</param>
    /// <param name="tags">At most <see cref="MaxParams"/>; what is too long is cut.</param>
    /// <param name="ct">Ends it in the middle.</param>
    public Task LogBatchAsync(
        string run,
        IEnumerable<(string Key, double Value, long Timestamp, long Step)> metrics,
        IEnumerable<(string Key, string Value)> parameters,
        IEnumerable<(string Key, string Value)> tags,
        CancellationToken ct) => CallAsync(
            HttpMethod.Post,
            "runs/log-batch",
            new
            {
                run_id = run,
                metrics = metrics.Select(m => new { key = m.Key, value = m.Value, timestamp = m.Timestamp, step = m.Step }),
                @params = parameters.Select(p => new { key = p.Key, value = Cut(p.Value, MaxParamLength) }),
                tags = tags.Select(t => new { key = t.Key, value = Cut(t.Value, MaxTagLength) }),
            },
            ct);

    /// <summary>Sets a run's status: RUNNING, FINISHED, FAILED or KILLED, and when it ended.</summary>
    public Task UpdateRunAsync(string run, string status, long? end, CancellationToken ct) =>
        CallAsync(HttpMethod.Post, "runs/update", new { run_id = run, status, end_time = end }, ct);

    public void Dispose() => _http.Dispose();

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";

    /// <exception cref="MlflowException">It is none.</exception>
    public static string Text(JsonNode? node) => node?.ToString() is { Length: > 0 } text ? text : throw Foreign("it has no id");

    private static JsonNode Run(JsonNode answer) => answer["run"] ?? throw Foreign("it has no run");

    private static MlflowException Foreign(string why) => new($"the answer is not MLflow's ({why}): name the address of an MLflow server");

    private async Task<JsonNode> CallAsync(HttpMethod method, string path, object? body, CancellationToken ct) => await _timeout.ExecuteAsync(
        async token =>
        {
            using HttpRequestMessage request = new(method, _root + path);
            if (body is not null)
            {
                request.Content = JsonContent.Create(body, body.GetType(), options: JsonOptions);
                await request.Content.LoadIntoBufferAsync(token); // its length is sent: not every server in between takes chunks
            }

            using var response = await _http.SendAsync(request, token);
            var text = await response.Content.ReadAsStringAsync(token);
            var answer = Parse(text);
            return response.IsSuccessStatusCode ? answer ?? throw Foreign("it is no JSON") : throw Refusal(path, response, answer, text);
        },
        ct);

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null; // such as a proxy's page; the caller tells of it
        }
    }

    private static MlflowException Refusal(string path, HttpResponseMessage response, JsonNode? answer, string text)
    {
        var (status, code) = ((int)response.StatusCode, answer?["error_code"]?.ToString());
        var said = answer?["message"]?.ToString() ?? text;
        var fix = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, of one who may write there",
            _ when response.Headers.Location is { } moved => $"; name the address that it has moved to ({moved})",
            HttpStatusCode.NotFound when code is null => "; name the address of an MLflow server",
            _ => string.Empty,
        };
        var after = response.Headers.RetryAfter is { } retry ? retry.Delta ?? retry.Date - response.Headers.Date : null;
        var shown = said.Length == 0 ? string.Empty : $": {Cut(said.ReplaceLineEndings(" "), ShownLength).TrimEnd('.')}";
        return new MlflowException($"{path.Split('?')[0]} is answered by {status} {code ?? response.ReasonPhrase}{shown}{fix}")
        {
            Code = code, RetryAfter = after > TimeSpan.Zero ? after : null, MayPass = status is 408 or 429 or (>= 500 and not 501),
        };
    }
}

/// <summary>A server's refusal.</summary>
internal sealed class MlflowException(string message) : FailureException(message)
{
    /// <summary>MLflow's error_code; null where the answer has none.</summary>
    public string? Code { get; init; }

    public bool MayPass { get; init; }

    /// <summary>When the server wants to be asked again; null: it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public bool IsAbsent => Code == "RESOURCE_DOES_NOT_EXIST";
}
