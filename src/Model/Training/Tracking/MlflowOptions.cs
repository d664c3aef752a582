using System.Net.Http.Headers;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>An MLflow server that a run is shown on as it goes.</summary>
public sealed record MlflowOptions
{
    /// <summary>Where the server is, http or https, a path before <c>/api</c> included.</summary>
    public required Uri Uri { get; init; }

    /// <summary>The experiment that a new run belongs to, made where there is none. Default xkd.</summary>
    public string Experiment { get; init; } = "xkd";

    /// <summary>Who asks; null (default): nobody in particular.</summary>
    public AuthenticationHeaderValue? Authorization { get; init; }

    /// <summary>A request is given up after this long, and made again. Default 30 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The first wait before a request is made again; the next ones double, with jitter. Default 1 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such wait, unless the server asks for another. Default 5 s, so that the end of training has time for one.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the end of training waits for what is not sent: less than a scheduler leaves a process between its signals. Default 10 s.</summary>
    public TimeSpan EndWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The server, experiment and credentials that MLflow's own environment variables name.</summary>
    /// <param name="uri">The server; null: that of MLFLOW_TRACKING_URI.</param>
    /// <exception cref="UsageException">No server is named, or it cannot be one.</exception>
    public static MlflowOptions FromEnvironment(string? uri = null)
    {
        var (name, text) = uri is null ? ("MLFLOW_TRACKING_URI", Variable("MLFLOW_TRACKING_URI")) : ("--mlflow", uri);
        if (text is null)
        {
            throw new UsageException("--mlflow names no server, and MLFLOW_TRACKING_URI is not set: write --mlflow http://HOST:5000");
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https") || server.Query.Length > 0)
        {
            throw new UsageException($"{name} {text}: write the address of an MLflow server, such as http://localhost:5000, which `mlflow server` starts");
        }

        if (server.UserInfo.Length > 0)
        {
            throw new UsageException($"{name} {server.Scheme}://…@{server.Authority}: leave the password out, for the run keeps the address; "
                + "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
        }

        return new MlflowOptions
        {
            Uri = server,
            Experiment = Variable("MLFLOW_EXPERIMENT_NAME") ?? "xkd",
            Authorization = (Variable("MLFLOW_TRACKING_USERNAME"), Variable("MLFLOW_TRACKING_PASSWORD"), Variable("MLFLOW_TRACKING_TOKEN")) switch
            {
                // Before the token, as in MLflow.
                ({ } user, { } password, _) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))),
                (_, _, { } token) => new("Bearer", token),
                _ => null,
            },
        };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
