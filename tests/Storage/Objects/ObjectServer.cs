using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Xkd.Storage.Tests;

/// <summary>
/// An object store in this process, over real HTTP: of the S3 protocol what caches use, conditional puts included (which the server from the npm
/// registry, s3rver, lacks), with the faults a service may have. Bodies are held against the SHA-256 their requests are signed for; signatures
/// themselves are not looked at.
/// </summary>
internal sealed class ObjectServer : IDisposable
{
    private static readonly XNamespace Space = "http://s3.amazonaws.com/doc/2006-03-01/";

    private readonly HttpListener _listener = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<int, byte[]>> _uploads = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _requests = new();

    public ObjectServer()
    {
        for (var tries = 0; ; tries++)
        {
            var port = FreePort();
            try
            {
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
                _listener.Start();
                Endpoint = $"http://127.0.0.1:{port}";
                break;
            }
            catch (HttpListenerException) when (tries < 5)
            {
                // Another process was quicker to take the port.
            }
        }

        _ = ServeAsync();
    }

    public string Endpoint { get; } = "";

    /// <summary>Whether <c>If-None-Match</c> is kept to.</summary>
    public bool Conditional { get; init; } = true;

    /// <summary>Objects to a page of a listing.</summary>
    public int PageSize { get; init; } = 1000;

    /// <summary>Given method and key, decides what goes wrong.</summary>
    public Func<string, string, ServerFault> Faults { get; set; } = (_, _) => ServerFault.None;

    /// <summary>Method and key of each request, with <c>?part</c> and the like.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>The stored objects, to look at and to damage; key to content.</summary>
    public IDictionary<string, byte[]> Objects => _objects;

    /// <summary>Uploads begun and neither completed nor abandoned.</summary>
    public int OpenUploads => _uploads.Count;

    public void Dispose() => _listener.Close();

    private static int FreePort()
    {
        using System.Net.Sockets.TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(() => Serve(context));
        }
    }

    private void Serve(HttpListenerContext context)
    {
        var request = context.Request;
        var key = Uri.UnescapeDataString(request.Url!.AbsolutePath).TrimStart('/');
        key = key.Contains('/', StringComparison.Ordinal) ? key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..] : "";
        _requests.Enqueue($"{request.HttpMethod} {key}{request.Url.Query}");
        try
        {
            using MemoryStream body = new();
            request.InputStream.CopyTo(body);
            var fault = Faults(request.HttpMethod, key);
            var received = body.ToArray();
            if (fault == ServerFault.DamagedOnArrival && received.Length > 0)
            {
                received[received.Length / 2] ^= 1;
            }

            var answer = fault switch
            {
                ServerFault.InternalError => Answer.Error(500, "InternalError"),
                ServerFault.SlowDown => Answer.Error(503, "SlowDown"),
                ServerFault.Denied => Answer.Error(403, "AccessDenied"),
                _ => Handle(request, key, received),
            };
            Send(context, answer, fault);
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away, as a fault meant it to.
        }
    }

    private static void Send(HttpListenerContext context, Answer answer, ServerFault fault)
    {
        var response = context.Response;
        byte[] body = [.. answer.Body];
        if (fault == ServerFault.WrongByte && body.Length > 0)
        {
            body[body.Length / 2] ^= 1;
        }

        response.StatusCode = answer.Status;
        foreach ((var name, var value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        if (fault == ServerFault.Cut && body.Length == 0)
        {
            response.StatusCode = 502;
            response.Close();
            return;
        }

        var head = context.Request.HttpMethod == "HEAD";
        response.ContentLength64 = head ? answer.Length : body.Length;
        if (fault == ServerFault.Cut)
        {
            response.OutputStream.Write(body, 0, body.Length / 2);
            response.Abort();
            return;
        }

        if (!head)
        {
            response.OutputStream.Write(body);
        }

        response.Close();
    }

    private Answer Handle(HttpListenerRequest request, string key, byte[] body)
    {
        if (request.HttpMethod is "PUT" or "POST" && request.Headers["x-amz-content-sha256"] is { Length: 64 } signed && signed != Convert.ToHexStringLower(SHA256.HashData(body)))
        {
            return Answer.Error(400, "XAmzContentSHA256Mismatch");
        }

        var upload = request.QueryString["uploadId"];
        lock (_gate)
        {
            return (request.HttpMethod, key.Length, upload) switch
            {
                ("GET", 0, _) => List(request),
                ("GET", _, _) => Get(key, request.Headers["Range"]),
                ("HEAD", _, _) => _objects.TryGetValue(key, out var content) ? new Answer(200, []) { Length = content.Length, Headers = { ["ETag"] = Tag(content) } } : new Answer(404, []),
                ("PUT", _, null) => Put(key, body, request.Headers["If-None-Match"]),
                ("PUT", _, _) when !_uploads.ContainsKey(upload) => Answer.Error(404, "NoSuchUpload"),
                ("PUT", _, _) => Part(upload, int.Parse(request.QueryString["partNumber"]!, CultureInfo.InvariantCulture), body),
                ("POST", _, null) => Begin(key),
                ("POST", _, _) => Complete(key, upload),
                ("DELETE", _, null) => Removed(() => _objects.Remove(key)),
                ("DELETE", _, _) => Removed(() => _uploads.Remove(upload)),
                _ => Answer.Error(501, "NotImplemented"),
            };
        }
    }

    private Answer Get(string key, string? range)
    {
        if (!_objects.TryGetValue(key, out var content))
        {
            return Answer.Error(404, "NoSuchKey");
        }

        if (range is null)
        {
            return new Answer(200, content) { Headers = { ["ETag"] = Tag(content) } };
        }

        var ends = range["bytes=".Length..].Split('-');
        var first = int.Parse(ends[0], CultureInfo.InvariantCulture);
        if (first >= content.Length)
        {
            return Answer.Error(416, "InvalidRange");
        }

        var last = Math.Min(content.Length - 1, int.Parse(ends[1], CultureInfo.InvariantCulture));
        return new Answer(206, content[first..(last + 1)]) { Headers = { ["ETag"] = Tag(content), ["Content-Range"] = $"bytes {first}-{last}/{content.Length}" } };
    }

    private Answer Put(string key, byte[] body, string? ifNoneMatch)
    {
        if (Conditional && ifNoneMatch == "*" && _objects.ContainsKey(key))
        {
            return Answer.Error(412, "PreconditionFailed");
        }

        _objects[key] = body;
        return new Answer(200, []) { Headers = { ["ETag"] = Tag(body) } };
    }

    private Answer Part(string upload, int number, byte[] body)
    {
        _uploads[upload][number] = body;
        return new Answer(200, []) { Headers = { ["ETag"] = Tag(body) } };
    }

    private Answer Begin(string key)
    {
        var upload = $"{Guid.NewGuid():N}";
        _uploads[upload] = [];
        return Answer.Xml(new XElement(Space + "InitiateMultipartUploadResult", new XElement(Space + "Key", key), new XElement(Space + "UploadId", upload)));
    }

    private Answer Complete(string key, string upload)
    {
        if (!_uploads.Remove(upload, out var parts))
        {
            return Answer.Error(404, "NoSuchUpload");
        }

        _objects[key] = [.. parts.Values.SelectMany(p => p)];
        return Answer.Xml(new XElement(Space + "CompleteMultipartUploadResult", new XElement(Space + "Key", key), new XElement(Space + "ETag", "\"x\"")));
    }

    private Answer List(HttpListenerRequest request)
    {
        string prefix = request.QueryString["prefix"] ?? "", after = request.QueryString["continuation-token"] ?? "";
        string[] found = [.. _objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && !k[prefix.Length..].Contains('/', StringComparison.Ordinal) && string.CompareOrdinal(k, after) > 0)];
        string[] page = [.. found.Take(PageSize)];
        var more = found.Length > page.Length;
        return Answer.Xml(new XElement(
            Space + "ListBucketResult",
            new XElement(Space + "IsTruncated", more),
            more ? new XElement(Space + "NextContinuationToken", page[^1]) : null,
            page.Select(k => new XElement(Space + "Contents", new XElement(Space + "Key", k), new XElement(Space + "Size", _objects[k].Length)))));
    }

    private static Answer Removed(Func<bool> remove)
    {
        remove();
        return new Answer(204, []);
    }

    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}\"";

    private sealed record Answer(int Status, byte[] Body)
    {
        public long Length { get; init; }

        public Dictionary<string, string> Headers { get; } = new(StringComparer.Ordinal);

        public static Answer Xml(XElement body) => new(200, Encoding.UTF8.GetBytes(body.ToString())) { Headers = { ["Content-Type"] = "application/xml" } };

        public static Answer Error(int status, string code) =>
            new(status, Encoding.UTF8.GetBytes($"<Error><Code>{code}</Code><Message>{code} was asked for</Message></Error>")) { Headers = { ["Content-Type"] = "application/xml" } };
    }
}
