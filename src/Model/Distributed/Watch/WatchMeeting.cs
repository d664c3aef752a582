using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Distributed;

/// <summary>How the ranks find rank 0: it listens, and tells where over MPI.</summary>
internal static class WatchMeeting
{
    /// <summary>Connects every rank with rank 0; all ranks call it together.</summary>
    /// <returns>On rank 0 a line to each other rank, elsewhere the line to rank 0.</returns>
    /// <exception cref="FailureException">A rank did not come.</exception>
    public static IReadOnlyList<WatchLine> Meet(ICommunicator communicator, RankWatchOptions options)
    {
        using TcpListener? listener = communicator.Rank == 0 ? new TcpListener(IPAddress.Any, 0) : null;
        listener?.Start(communicator.Size);
        Place? own = listener is null ? null : new Place(Environment.MachineName, Addresses(), ((IPEndPoint)listener.LocalEndpoint).Port, Guid.NewGuid().ToString("N"));
        Place place = JsonSerializer.Deserialize<Place>(communicator.Gather(JsonSerializer.SerializeToUtf8Bytes(own))[0])!;
        return listener is null ? [Call(place, communicator.Rank, options)] : Receive(listener, place.Token, communicator.Size, options);
    }

    /// <summary>This process, for people.</summary>
    public static string Self => $"process {Environment.ProcessId} on {Environment.MachineName}";

    private static List<WatchLine> Receive(TcpListener listener, string token, int size, RankWatchOptions options)
    {
        Dictionary<int, WatchLine> lines = [];
        while (lines.Count < size - 1)
        {
            if (!listener.Server.Poll(options.Gathering, SelectMode.SelectRead))
            {
                throw new FailureException($"ranks {string.Join(", ", Enumerable.Range(1, size - 1).Where(r => !lines.ContainsKey(r)))} of {size} did not connect to rank 0 "
                    + $"({Self}, port {((IPEndPoint)listener.LocalEndpoint).Port}) within {options.Gathering.TotalSeconds:0} s: let the nodes reach each other by TCP");
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

        return [.. lines.OrderBy(l => l.Key).Select(l => l.Value)];
    }

    private static WatchLine Call(Place place, int rank, RankWatchOptions options)
    {
        string[] addresses = place.Host == Environment.MachineName ? ["127.0.0.1", .. place.Addresses] : place.Addresses;
        foreach (string address in addresses)
        {
            if (TryConnect(address, place.Port, options) is not { } socket)
            {
                continue;
            }

            WatchLine line = new(socket, options);
            line.Send(new WatchMessage(WatchMessageKind.Hello, rank, place.Token, Self));
            if (line.Greeted(place.Token))
            {
                return line;
            }

            line.Dispose(); // another machine's address on another network
        }

        throw new FailureException($"rank {rank} ({Self}) cannot connect to rank 0 on {place.Host}, port {place.Port}, at {string.Join(", ", addresses)}: let the nodes reach each other by TCP");
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
            return null; // the next address; that none answers is told
        }
    }

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
