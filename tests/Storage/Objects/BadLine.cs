using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Xkd.Storage.Tests;

/// <summary>
/// A line to an object store on which everything goes wrong that a network does, by a seed: waits, connections that are reset, answers that break off, faults
/// of gateways, requests that arrive once more when nobody waits for them any longer. What the server behind it lacks, it adds: objects appear whole, and may
/// be put only where there is none.
/// </summary>
/// <param name="store">Address of the store.</param>
/// <param name="gate">Of all lines to that store: it takes one request at a time.</param>
/// <param name="seed">Of the faults.</param>
internal sealed class BadLine(string store, SemaphoreSlim gate, int seed) : IDisposable
{
    private const double Each = 0.01; // of all requests, for each of these

    private static readonly string[] Kinds =
        ["500", "503", "429", "reset before", "reset after", "502 after", "cut", "late again", "wait", "wait", "wait", "wait"];
    private static readonly string[] OfTheConnection = ["Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Expect", "If-None-Match"];

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Random _random = new(seed);
    private readonly ConcurrentDictionary<string, int> _faults = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<Task> _late = [];
    private volatile TaskCompletionSource? _held;
    private int _waiting;
    private int _wanted = int.MaxValue;

    /// <summary>Where it listens.</summary>
    public string Endpoint { get; private set; } = "";

    /// <summary>Requests by what befell them.</summary>
    public IReadOnlyDictionary<string, int> Faults => _faults;

    public BadLine Start()
    {
        _listener.Start();
        Endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = ListenAsync();
        return this;
    }

    /// <summary>Holds all requests for a while; then they go on to the store, whoever has taken over meanwhile.</summary>
    public async Task HoldAsync(TimeSpan time, CancellationToken ct)
    {
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = held;
        try
        {
            await Task.Delay(time, ct);
        }
        finally
        {
            _held = null;
            held.SetResult();
        }
    }

    /// <summary>Holds all requests until so many wait at once; those of a client that sends one after the other never do.</summary>
    /// <returns>How many came together.</returns>
    public async Task<int> GatherAsync(int requests, TimeSpan patience)
    {
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        (_wanted, _held) = (requests, held);
        await Task.WhenAny(held.Task, Task.Delay(patience));
        Interlocked.CompareExchange(ref _held, null, held);
        return held.TrySetResult() ? Volatile.Read(ref _waiting) : requests;
    }

    /// <summary>Waits until what was sent late has arrived.</summary>
    public Task QuietAsync() => Task.WhenAll(_late);

    public void Dispose()
    {
        _listener.Dispose();
        _client.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptTcpClientAsync();
                _ = Task.Run(() => ServeAsync(connection));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It was closed.
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using (connection)
        {
            try
            {
                var stream = connection.GetStream();
                while (await ReadAsync(stream) is { } request && await AnswerAsync(request, stream))
                {
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException or TaskCanceledException)
            {
                // One end of the line is gone, or both.
            }

            connection.Client.Close(0); // resets it
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> AnswerAsync(Request request, NetworkStream stream)
    {
        if (_held is { } held)
        {
            if (Interlocked.Increment(ref _waiting) >= _wanted)
            {
                held.TrySetResult();
            }

            await held.Task;
            Interlocked.Decrement(ref _waiting);
        }

        switch (Draw())
        {
            case "500":
                return await SendAsync(stream, request, new Answer(500, "", Error("InternalError")));
            case "503":
                return await SendAsync(stream, request, new Answer(503, "", Error("SlowDown")));
            case "429":
                return await SendAsync(stream, request, new Answer(429, "", Error("TooManyRequests")));
            case "reset before":
                return false;
            case "reset after":
                await ForwardAsync(request);
                return false;
            case "502 after":
                await ForwardAsync(request);
                return await SendAsync(stream, request, new Answer(502, "", Error("BadGateway")));
            case "cut":
                await SendAsync(stream, request, await ForwardAsync(request), half: true);
                return false;
            case "late again":
                _late.Add(LateAsync(request, Milliseconds(1500)));
                break;
            case "wait":
                await Task.Delay(Milliseconds(60));
                break;
        }

        return await SendAsync(stream, request, await ForwardAsync(request));
    }

    private async Task LateAsync(Request request, int milliseconds)
    {
        await Task.Delay(milliseconds);
        try
        {
            await ForwardAsync(request);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task<Answer> ForwardAsync(Request request)
    {
        await gate.WaitAsync();
        try
        {
            if (request.Method == "PUT" && request.Headers.Contains(("If-None-Match", "*")))
            {
                using HttpRequestMessage look = new(HttpMethod.Head, store + request.Path);
                using var there = await _client.SendAsync(look);
                if (there.StatusCode != HttpStatusCode.NotFound)
                {
                    return new Answer(412, "", Error("PreconditionFailed"));
                }
            }

            using HttpRequestMessage copy = new(new HttpMethod(request.Method), store + request.Path);
            copy.Content = request.Method is "PUT" or "POST" ? new ByteArrayContent(request.Body) : null;
            foreach (var (name, value) in request.Headers.Where(header => !OfTheConnection.Contains(header.Name, StringComparer.OrdinalIgnoreCase)))
            {
                _ = copy.Headers.TryAddWithoutValidation(name, value) || copy.Content?.Headers.TryAddWithoutValidation(name, value) == true;
            }

            using var answer = await _client.SendAsync(copy);
            var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => !OfTheConnection.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
                .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}\r\n");
            var bytes = await answer.Content.ReadAsByteArrayAsync();
            return new Answer((int)answer.StatusCode, string.Concat(headers), bytes) { Length = answer.Content.Headers.ContentLength };
        }
        finally
        {
            gate.Release();
        }
    }

    private static async Task<bool> SendAsync(NetworkStream stream, Request request, Answer answer, bool half = false)
    {
        var head = request.Method == "HEAD";
        var length = request.Method == "HEAD" ? answer.Length ?? answer.Body.Length : answer.Body.Length;
        var text = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} Said\r\n{answer.Headers}Content-Length: {length}\r\n\r\n");
        byte[] bytes = [.. Encoding.Latin1.GetBytes(text), .. head ? [] : answer.Body];
        await stream.WriteAsync(bytes.AsMemory(0, half ? bytes.Length - 1 - (head ? 0 : answer.Body.Length / 2) : bytes.Length));
        return true;
    }

    // Null at the end of the connection.
    private static async Task<Request?> ReadAsync(NetworkStream stream)
    {
        List<byte> head = [];
        var one = new byte[1];
        while (!CollectionsMarshal.AsSpan(head).EndsWith("\r\n\r\n"u8))
        {
            if (await stream.ReadAsync(one) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        var lines = Encoding.Latin1.GetString([.. head]).TrimEnd().Split("\r\n");
        (string Name, string Value)[] headers = [.. lines.Skip(1).Select(line => line.Split(':', 2)).Select(parts => (parts[0], parts[1].Trim()))];
        if (headers.Any(header => header.Name == "Expect"))
        {
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
        }

        var body = new byte[int.Parse(headers.FirstOrDefault(header => header.Name == "Content-Length").Value ?? "0", CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body);
        return new Request(lines[0].Split(' ')[0], lines[0].Split(' ')[1], headers, body);
    }

    private string Draw()
    {
        double draw;
        lock (_random)
        {
            draw = _random.NextDouble();
        }

        var kind = draw < Each * Kinds.Length ? Kinds[(int)(draw / Each)] : "nothing";
        _faults.AddOrUpdate(kind, 1, (_, n) => n + 1);
        return kind;
    }

    private int Milliseconds(int most)
    {
        lock (_random)
        {
            return _random.Next(most);
        }
    }

    private static byte[] Error(string code) => Encoding.ASCII.GetBytes($"<Error><Code>{code}</Code><Message>{code} was asked for</Message></Error>");

    private sealed record Request(string Method, string Path, (string Name, string Value)[] Headers, byte[] Body);

    private sealed record Answer(int Status, string Headers, byte[] Body)
    {
        public long? Length { get; init; }
    }
}
