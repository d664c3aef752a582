using System.Net;
using System.Net.Sockets;
using Google.Protobuf;

namespace Xkd.Cli.Tests;

/// <summary>A number that was exported.</summary>
/// <param name="Meter">Name of its instrument's meter.</param>
/// <param name="Name">Name of its instrument.</param>
/// <param name="Unit">Unit of its instrument.</param>
/// <param name="Kind">gauge, sum or histogram, of which the value is the count.</param>
/// <param name="Value">The number.</param>
/// <param name="Attributes">As name=value, sorted.</param>
internal sealed record ExportedPoint(string Meter, string Name, string Unit, string Kind, double Value, string Attributes);

/// <summary>An OpenTelemetry collector in this process: OTLP over HTTP, decoded by the field numbers of metrics.proto, not by the code that wrote it.</summary>
internal sealed class MetricsCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Lock _gate = new();
    private readonly Task _serving;

    public MetricsCollector()
    {
        using (TcpListener probe = new(IPAddress.Loopback, 0))
        {
            probe.Start();
            Uri = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}";
        }

        _listener.Prefixes.Add(Uri + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Uri { get; }

    public List<string> Requests { get; } = [];

    public List<string> Resource { get; } = [];

    /// <summary>In the order of arrival.</summary>
    public List<ExportedPoint> Points { get; } = [];

    /// <summary>The newest value of an instrument, of one set of attributes.</summary>
    public ExportedPoint Last(string name, string attributes = "") => Points.Last(point => point.Name == name && point.Attributes == attributes);

    public void Dispose()
    {
        _listener.Abort();
        _serving.Wait();
    }

    /// <summary>Decodes an ExportMetricsServiceRequest.</summary>
    public void Decode(byte[] request)
    {
        foreach (var resource in Message.Of(request).Messages(1))
        {
            Resource.AddRange(resource.Messages(1).SelectMany(message => Attributes(message, 1)));
            foreach (var (scope, metric) in resource.Messages(2).SelectMany(scope => scope.Messages(2).Select(metric => (scope, metric))))
            {
                var (kind, field, attributes) = metric.Messages(5).Any() ? ("gauge", 5, 7) : metric.Messages(7).Any() ? ("sum", 7, 7) : ("histogram", 9, 9);
                Points.AddRange(metric.Messages(field).SelectMany(data => data.Messages(1)).Select(point => new ExportedPoint(
                    scope.Messages(1).Single().Text(1), metric.Text(1), metric.Text(3), kind,
                    point.Double(4, integer: kind == "histogram") ?? point.Double(6, integer: true)!.Value,
                    string.Join(' ', Attributes(point, attributes).Order(StringComparer.Ordinal)))));
            }
        }
    }

    private static IEnumerable<string> Attributes(Message message, int field) =>
        message.Messages(field).Select(pair => $"{pair.Text(1)}={pair.Messages(2).Single().Text(1)}");

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                using MemoryStream body = new();
                await context.Request.InputStream.CopyToAsync(body);
                lock (_gate)
                {
                    var request = context.Request;
                    Requests.Add($"{request.HttpMethod} {request.Url!.AbsolutePath} {request.ContentType} {request.Headers["x-key"]}");
                    Decode(body.ToArray());
                }

                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // A message of any kind: of each field number what was there.
    private sealed class Message
    {
        private readonly List<(int Field, ByteString? Bytes, ulong Number)> _fields = [];

        public static Message Of(byte[] bytes)
        {
            Message message = new();
            CodedInputStream input = new(bytes);
            while (input.ReadTag() is not 0 and var tag)
            {
                var field = WireFormat.GetTagFieldNumber(tag);
                message._fields.Add(WireFormat.GetTagWireType(tag) switch
                {
                    WireFormat.WireType.LengthDelimited => (field, input.ReadBytes(), 0),
                    WireFormat.WireType.Fixed64 => (field, null, input.ReadFixed64()),
                    WireFormat.WireType.Fixed32 => (field, null, input.ReadFixed32()),
                    _ => (field, null, input.ReadUInt64()),
                });
            }

            return message;
        }

        public IEnumerable<Message> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => Of(f.Bytes!.ToByteArray()));

        public string Text(int field) =>
            _fields.Where(f => f.Field == field).Select(f => f.Bytes is { } bytes ? bytes.ToStringUtf8() : $"{f.Number}").SingleOrDefault("");

        public double? Double(int field, bool integer = false) =>
            _fields.Where(f => f.Field == field).Select(f => (double?)(integer ? (long)f.Number : BitConverter.UInt64BitsToDouble(f.Number))).SingleOrDefault();
    }
}
