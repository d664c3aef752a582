using System.Net.Sockets;
using System.Text;

namespace Xkd.Model.Distributed;

/// <summary>
/// One connection between rank 0 and another rank. A thread of its own reads it, so that neither a blocked MPI call nor a busy thread pool delays the news.
/// </summary>
internal sealed class WatchLine : IDisposable
{
    private const string Gone = "its process ended";

    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly Lock _gate = new();
    private Thread? _listener;

    public WatchLine(Socket socket, RankWatchOptions options)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)options.Silence.TotalMilliseconds;
        _reader = new StreamReader(new NetworkStream(socket, ownsSocket: true), Encoding.UTF8);
    }

    /// <summary>Whose it is, as the other side introduced itself.</summary>
    public WatchMessage? Peer { get; private set; }

    /// <summary>Waits for the first line; false where it is not a hello of this run.</summary>
    public bool Greeted(string token)
    {
        try
        {
            Peer = _reader.ReadLine() is string line ? WatchMessage.Parse(line) : null;
        }
        catch (IOException)
        {
            Peer = null;
        }

        return Peer is { Kind: WatchMessageKind.Hello } hello && hello.Text == token;
    }

    /// <summary>Sends a line; a line that is broken is the listener's business.</summary>
    public void Send(WatchMessage message)
    {
        try
        {
            lock (_gate)
            {
                _socket.Send(Encoding.UTF8.GetBytes(message.Format() + "\n"));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener sees the same, with the time to tell what it means.
        }
    }

    /// <summary>Reads until the end: of each message, then why no more come.</summary>
    public void Listen(Action<WatchMessage> received, Action<string> ended)
    {
        _listener = new Thread(() => ended(Read(received))) { IsBackground = true, Name = $"xkd watch {Peer?.Rank}" };
        _listener.Start();
    }

    /// <summary>Says that nothing more will be sent, and waits until the other side has hung up, at most so long.</summary>
    public void HangUp(TimeSpan wait)
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return; // it is down already
        }

        _listener?.Join(wait);
    }

    public void Dispose() => _reader.Dispose();

    private string Read(Action<WatchMessage> received)
    {
        try
        {
            while (_reader.ReadLine() is string line)
            {
                if (WatchMessage.Parse(line) is { } message)
                {
                    received(message);
                }
            }

            return Gone;
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return Gone; // killed with signs of life unread: the system then resets its connections where it would have closed them
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock })
        {
            return $"it gave no sign of life for {_socket.ReceiveTimeout / 1000.0:0.#} s";
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return $"the connection to it broke ({(e.InnerException ?? e).Message})";
        }
    }
}
