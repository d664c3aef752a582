using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Storage;

namespace Xkd.Model.Ranks;

/// <summary>One connection between rank 0 and another rank. A message is a line of JSON.</summary>
internal sealed class WatchLine : IDisposable
{
    private const string Ended = "its process ended";

    private readonly Lock _gate = new();
    private readonly byte[] _chunk = new byte[1 << 12];
    private readonly TimeSpan _silence;
    private byte[] _unread = [];
    private TimeSpan _quiet;

    public WatchLine(Socket socket, RankWatchOptions options)
    {
        (Socket, _silence) = (socket, options.Silence);
        socket.NoDelay = true;
        socket.ReceiveTimeout = socket.SendTimeout = (int)options.Silence.TotalMilliseconds;
    }

    public Socket Socket { get; }

    /// <summary>Whose line it is, as the other side introduced itself.</summary>
    public WatchMessage? Peer { get; private set; }

    /// <summary>Messages that have arrived and are not yet heard.</summary>
    public Queue<WatchMessage> Received { get; } = [];

    /// <summary>The other side has said why: from here on the line may close.</summary>
    public bool MayClose { get; set; }

    /// <summary>Waits for the first message; false where it is not a hello of this run.</summary>
    public bool Greeted(string token)
    {
        string? closed = null;
        while (closed is null && Received.Count == 0)
        {
            closed = Receive();
        }

        Peer = Received.TryDequeue(out var first) ? first : null;
        return Peer is { Kind: WatchMessageKind.Hello } hello && hello.Text == token;
    }

    /// <summary>Sends a message; whoever reads the line notices where it is broken, and knows why.</summary>
    public void Send(WatchMessage message)
    {
        try
        {
            lock (_gate)
            {
                Socket.Send([.. JsonSerializer.SerializeToUtf8Bytes(message, WatchMessage.Json), (byte)'\n']);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reading it fails as well.
        }
    }

    /// <summary>Takes in what has arrived; null, or why nothing more comes.</summary>
    public string? Receive()
    {
        int count;
        try
        {
            count = Socket.Receive(_chunk);
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.ConnectionReset => Ended, // killed with signs of life unread: the system then resets the connection instead of closing it
                SocketError.TimedOut or SocketError.WouldBlock => Silent(),
                _ => $"the connection to it broke ({e.Message})",
            };
        }

        _quiet = TimeSpan.Zero;
        _unread = [.. _unread, .. _chunk.AsSpan(0, count)];
        var whole = Array.LastIndexOf(_unread, (byte)'\n') + 1;
        foreach (var line in Encoding.UTF8.GetString(_unread, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Received.Enqueue(WatchMessage.Parse(line));
        }

        _unread = _unread[whole..];
        return count == 0 ? Ended : null;
    }

    /// <summary>Nothing has arrived for some more time; null, or that it is too long.</summary>
    public string? Wait(TimeSpan passed) => (_quiet += passed) < _silence ? null : Silent();

    /// <summary>Nothing more will be sent.</summary>
    public void CloseSending()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }
    }

    public void Dispose() => Socket.Dispose();

    private string Silent() => $"it gave no sign of life for {_silence.TotalSeconds:0.#} s";
}

internal enum WatchMessageKind
{
    /// <summary>Not a message of a rank.</summary>
    None,

    /// <summary>The first message either way: who is there, of which run.</summary>
    Hello,

    /// <summary>A sign of life.</summary>
    Beat,

    /// <summary>The run is over for a reason: end now.</summary>
    End,

    /// <summary>Done: from here on the line may close.</summary>
    Bye,
}

/// <summary>What two ranks that watch each other tell.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Rank">Whom it is about.</param>
/// <param name="Text">Hello: the token of the run; end: the cause.</param>
/// <param name="Process">Hello: process and machine, for people.</param>
/// <param name="ExitCode">End: what all ranks exit with.</param>
internal sealed record WatchMessage(WatchMessageKind Kind, int Rank, string Text = "", string Process = "", int ExitCode = 0)
{
    public static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>Reads a line.</summary>
    public static WatchMessage Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<WatchMessage>(line, Json) ?? new WatchMessage(WatchMessageKind.None, -1);
        }
        catch (JsonException)
        {
            return new WatchMessage(WatchMessageKind.None, -1); // somebody else's program on our port
        }
    }
}

/// <summary>How the ranks find rank 0: it listens, and tells the others where over MPI.</summary>
internal static class WatchMeeting
{
    /// <summary>This process, for people.</summary>
    public static string Self => $"process {Environment.ProcessId} on {Environment.MachineName}";

    /// <summary>Connects every rank with rank 0; all ranks call it together.</summary>
    /// <returns>On rank 0 a line to each other rank, elsewhere the line to rank 0.</returns>
    /// <exception cref="FailureException">A rank did not come.</exception>
    public static IReadOnlyList<WatchLine> Meet(ICommunicator communicator, RankWatchOptions options)
    {
        using var listener = communicator.Rank == 0 ? new TcpListener(IPAddress.Any, 0) : null;
        listener?.Start(communicator.Size);
        var own = listener is null ? null : new Place(Environment.MachineName, Addresses(), PortOf(listener), Guid.NewGuid().ToString("N"));
        var place = JsonSerializer.Deserialize<Place>(communicator.Gather(JsonSerializer.SerializeToUtf8Bytes(own))[0])!;
        return listener is null ? [Call(place, communicator.Rank, options)] : Answer(listener, place.Token, communicator.Size, options);
    }

    private static List<WatchLine> Answer(TcpListener listener, string token, int size, RankWatchOptions options)
    {
        SortedDictionary<int, WatchLine> lines = [];
        while (lines.Count < size - 1)
        {
            if (!listener.Server.Poll(options.Gathering, SelectMode.SelectRead))
            {
                var absent = string.Join(", ", Enumerable.Range(1, size - 1).Where(r => !lines.ContainsKey(r)));
                throw new FailureException($"ranks {absent} of {size} did not connect to rank 0 "
                    + $"({Self}, port {PortOf(listener)}) within {options.Gathering.TotalSeconds:0} s: let the nodes reach each other by TCP");
            }

            WatchLine line = new(listener.AcceptSocket(), options);
            if (line.Greeted(token) && line.Peer!.Rank > 0 && line.Peer.Rank < size && lines.TryAdd(line.Peer.Rank, line))
            {
                line.Send(new WatchMessage(WatchMessageKind.Hello, 0, token, Self));
            }
            else
            {
                line.Dispose(); // a port scan, or another run's rank
            }
        }

        return [.. lines.Values];
    }

    private static WatchLine Call(Place place, int rank, RankWatchOptions options)
    {
        var addresses = place.Host == Environment.MachineName ? ["127.0.0.1", .. place.Addresses] : place.Addresses;
        foreach (var socket in addresses.Select(address => TryConnect(address, place.Port, options)).OfType<Socket>())
        {
            WatchLine line = new(socket, options);
            line.Send(new WatchMessage(WatchMessageKind.Hello, rank, place.Token, Self));
            if (line.Greeted(place.Token))
            {
                return line;
            }

            line.Dispose(); // another machine's address on another network
        }

        throw new FailureException($"rank {rank} ({Self}) cannot connect to rank 0 on {place.Host}, port {place.Port}, at {string.Join(", ", addresses)}: "
            + "let the nodes reach each other by TCP");
    }

    private static Socket? TryConnect(string address, int port, RankWatchOptions options)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using CancellationTokenSource limit = new(options.Silence);
            socket.ConnectAsync(IPAddress.Parse(address), port, limit.Token).AsTask().GetAwaiter().GetResult();
            return socket;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return null; // the next address; the caller reports that none answers
        }
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static string[] Addresses() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Where(address => address.Address.AddressFamily == AddressFamily.InterNetwork)
            .Select(address => address.Address.ToString()),
    ];

    private sealed record Place(string Host, string[] Addresses, int Port, string Token);
}
