using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Xkd.Model.Ranks;

/// <summary>
/// Ends a run on all ranks as soon as one is lost or fails, and names it: a rank that waits for another in an MPI call waits for ever, and MPI's own
/// launchers notice only sometimes. Rank 0 holds a TCP connection to every rank, on which both sides send signs of life. One thread of its own does all of it:
/// neither a blocked MPI call nor a busy thread pool delays the news.
/// </summary>
internal sealed partial class RankWatch : IDisposable
{
    private readonly IReadOnlyList<WatchLine> _lines;
    private readonly RankWatchOptions _options;
    private readonly Action<int, string> _end;
    private readonly ManualResetEventSlim _over = new();
    private readonly Thread _thread;
    private readonly int _rank, _size;
    private int _told;

    /// <param name="rank">This rank.</param>
    /// <param name="size">Number of ranks.</param>
    /// <param name="lines">On rank 0 a line to each other rank, elsewhere the line to rank 0.</param>
    /// <param name="options">Times.</param>
    /// <param name="end">Ends this process at once with an exit code and a sentence; called at most once, from the watch's thread.</param>
    public RankWatch(int rank, int size, IReadOnlyList<WatchLine> lines, RankWatchOptions options, Action<int, string> end)
    {
        (_rank, _size, _lines, _options, _end) = (rank, size, lines, options, end);
        _thread = new Thread(Watch) { IsBackground = true, Name = "xkd watch" };
        _thread.Start();
    }

    /// <summary>Tells all ranks to end for what happened here; this process ends by itself. Returns when the others know, or after a short while.</summary>
    public void Fail(int exitCode, string cause) =>
        Leave(new WatchMessage(WatchMessageKind.End, _rank, $"rank {_rank} of {_size} ({WatchMeeting.Self}) ended the run: {cause}", ExitCode: exitCode));

    /// <summary>Waits for the watch to end this process, for as long as it takes at most to notice a lost rank.</summary>
    public void AwaitNews() => _over.Wait(_options.Silence + _options.Beat);

    /// <summary>The run is over here, and well: all ranks have done their last step.</summary>
    public void Dispose()
    {
        Leave(new WatchMessage(WatchMessageKind.Bye, _rank));
        _over.Set();
        _thread.Join();
        foreach (var line in _lines)
        {
            line.Dispose();
        }

        _over.Dispose();
    }

    /// <summary>
    /// Says why on standard error and ends the process at once, whatever its threads do: the ordinary way out would run the exit handlers of MPI and libtorch,
    /// which may wait for the very calls that hang. What is written to a run is safe against it, as against a power cut.
    /// </summary>
    public static void EndProcess(int exitCode, string cause)
    {
        try
        {
            Console.Error.WriteLine($"xkd: {cause}");
            Console.Error.Flush();
        }
        catch (IOException)
        {
            // Nobody reads any more; the exit code remains.
        }

        Exit(exitCode);
    }

    private void Watch()
    {
        List<WatchLine> open = [.. _lines];
        (var round, var beat) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp());
        while (open.Count > 0 && !_over.IsSet)
        {
            var left = _options.Beat - Stopwatch.GetElapsedTime(beat);
            if (left <= TimeSpan.Zero)
            {
                Send(new WatchMessage(WatchMessageKind.Beat, _rank));
                (beat, left) = (Stopwatch.GetTimestamp(), _options.Beat);
            }

            List<Socket> readable = [.. open.Select(line => line.Socket)];
            Socket.Select(readable, checkWrite: null, checkError: null, left);

            // A round counts as one beat at most: a job that its scheduler suspends and continues has lost no rank.
            var passed = TimeSpan.FromTicks(Math.Min(Stopwatch.GetElapsedTime(round).Ticks, _options.Beat.Ticks));
            round = Stopwatch.GetTimestamp();
            open.RemoveAll(line => !Hear(line, readable.Contains(line.Socket) ? line.Receive() : line.Wait(passed)));
        }
    }

    // Whether more is to come on the line.
    private bool Hear(WatchLine line, string? closed)
    {
        while (line.Received.TryDequeue(out var message))
        {
            line.MayClose |= message.Kind is WatchMessageKind.Bye or WatchMessageKind.End;
            if (message.Kind == WatchMessageKind.End)
            {
                End(message, line);
            }
        }

        if (closed is not null && !line.MayClose)
        {
            var lost = line.Peer!.Rank;
            var text = $"rank {lost} of {_size} ({line.Peer.Process}) is lost: {closed}; the run can be resumed from its last checkpoint";
            End(new WatchMessage(WatchMessageKind.End, lost, text, ExitCode: 1), line);
        }

        return closed is null;
    }

    private void End(WatchMessage message, WatchLine from)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Send(message, except: from);
            _end(message.ExitCode, message.Text);
        }
    }

    // The last message from here: then waits until the other side of each line has closed it, too.
    private void Leave(WatchMessage message)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Send(message);
            foreach (var line in _lines)
            {
                line.CloseSending();
            }

            _thread.Join(_options.Farewell);
        }
    }

    private void Send(WatchMessage message, WatchLine? except = null)
    {
        foreach (var line in _lines.Where(line => line != except))
        {
            line.Send(message);
        }
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}

/// <summary>How closely ranks watch each other.</summary>
internal sealed record RankWatchOptions
{
    /// <summary>Between two signs of life. Default 1 s.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// After this long without a sign of life a rank counts as lost: its machine died, or its process was stopped. A process that ends is noticed at once.
    /// Default 8 s.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>For all ranks to find rank 0. Default 60 s.</summary>
    public TimeSpan Gathering { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What a rank that leaves waits at most for the others to know. Default 2 s.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(2);
}
