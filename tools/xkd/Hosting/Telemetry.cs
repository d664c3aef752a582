using System.CommandLine;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Reflection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Sends what the program measures of itself to an OpenTelemetry collector, in the background. One that is not there is told of once, and disturbs nothing.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    private const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private readonly MeterProvider _provider;
    private readonly Complaints _complaints;

    private Telemetry(Uri? endpoint, Terminal terminal)
    {
        _complaints = new Complaints(terminal);
        var version = typeof(Telemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        _provider = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateEmpty() // of two that name the service, the later holds: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
                .AddService("xkd", serviceVersion: version)
                .AddTelemetrySdk().AddEnvironmentVariableDetector())
            .AddMeter(StageGauges.MeterName, "Xkd.Pipeline")
            .AddOtlpExporter(options =>
            {
                if (!Named("OTEL_EXPORTER_OTLP_PROTOCOL") && !Named("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"))
                {
                    options.Protocol = OtlpExportProtocol.HttpProtobuf; // the specification's default, not the package's
                }

                if (endpoint is not null)
                {
                    var path = options.Protocol == OtlpExportProtocol.HttpProtobuf ? "/v1/metrics" : "/";
                    options.Endpoint = new Uri(endpoint.AbsoluteUri.TrimEnd('/') + path);
                }
            })
            .Build();
    }

    public static Option<string?> Option() => new("--otlp")
    {
        Description = "Export metrics to this OpenTelemetry collector, such as http://localhost:4318; "
            + $"without a value to that of {Variable}. The other OTEL_* variables hold as well.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "URI",
    };

    /// <summary>Begins to export, where it was asked for.</summary>
    /// <exception cref="UsageException">The address is none.</exception>
    public static Telemetry? Start(ParseResult parsed, Option<string?> option, Terminal terminal)
    {
        if (parsed.GetResult(option) is null)
        {
            return null;
        }

        var (name, text) = parsed.GetValue(option) is { } value ? ("--otlp", value) : (Variable, Environment.GetEnvironmentVariable(Variable));
        return string.IsNullOrEmpty(text) || (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
            ? new Telemetry(name == "--otlp" ? new Uri(text!) : null, terminal)
            : throw new UsageException($"{name} {text}: write the address of an OpenTelemetry collector, such as http://localhost:4318");
    }

    /// <summary>Exports the last values; waits for it a few seconds at most.</summary>
    public void Dispose()
    {
        _provider.Dispose();
        _complaints.Dispose();
    }

    private static bool Named(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };

    // The package tells of what goes wrong by events only.
    private sealed class Complaints(Terminal terminal) : EventListener
    {
        private int _told;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "OpenTelemetry-Exporter-OpenTelemetryProtocol")
            {
                EnableEvents(eventSource, EventLevel.Error);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (Interlocked.Exchange(ref _told, 1) == 0)
            {
                var said = string.Format(CultureInfo.InvariantCulture, eventData.Message ?? "{0}", [.. eventData.Payload ?? []]).Split('\n')[0];
                terminal.Line($"--otlp: {said.TrimEnd('.')}. The work goes on; later failures are not told");
            }
        }
    }
}
