namespace Xkd.Model.Distributed;

/// <summary>
/// Ends a run on all ranks as soon as one is lost or fails, naming it: a rank that waits for another in an MPI call waits for ever, and MPI's own
/// launchers only sometimes notice. Rank 0 holds a TCP connection to every rank, on which both sides send signs of life; nothing of it depends on MPI's progress.
/// </summary>
internal sealed class RankWatch : IDisposable
{
    private readonly IReadOnlyList<WatchLine> _lines;
    private readonly RankWatchOptions _options;
    private readonly Action<int, string> _end;
    private readonly ManualResetEventSlim _over = new();
    private readonly Thread _beats;
    private readonly int _rank, _size;
    private int _told;

    /// <param name="rank">This rank.</param>
    /// <param name="size">Ranks in all.</param>
    /// <param name="lines">On rank 0 a line to each other rank, elsewhere the line to rank 0.</param>
    /// <param name="options">Times.</param>
    /// <param name="end">Ends this process at once with an exit code and a sentence; called at most once, from a thread of the watch.</param>
    public RankWatch(int rank, int size, IReadOnlyList<WatchLine> lines, RankWatchOptions options, Action<int, string> end)
    {
        (_rank, _size, _lines, _options, _end) = (rank, size, lines, options, end);
        foreach (WatchLine line in lines)
        {
            bool gone = false; // touched by the line's own thread only
            line.Listen(message => gone |= Received(line, message), reason => Ended(line, gone, reason));
        }

        _beats = new Thread(Beat) { IsBackground = true, Name = "xkd watch" };
        _beats.Start();
    }

    /// <summary>Tells all ranks to end for what happened here; this process is left to end by itself. Returns when the word has arrived, or after a short while.</summary>
    public void Fail(int exitCode, string cause)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Spread(new WatchMessage(WatchMessageKind.End, _rank, $"rank {_rank} of {_size} ({WatchMeeting.Self}) ended the run: {cause}", ExitCode: exitCode), except: null);
            HangUp();
        }
    }

    /// <summary>Waits for the watch to end this process, as long as it takes it at most to notice that a rank is lost.</summary>
    public void AwaitNews() => _over.Wait(_options.Silence + _options.Beat);

    /// <summary>The run is over here, and well: all ranks have done their last step.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Spread(new WatchMessage(WatchMessageKind.Bye, _rank), except: null);
            HangUp();
        }

        _over.Set();
        _beats.Join();
        foreach (WatchLine line in _lines)
        {
            line.Dispose();
        }

        _over.Dispose();
    }

    private void Beat()
    {
        while (!_over.Wait(_options.Beat))
        {
            Spread(new WatchMessage(WatchMessageKind.Beat, _rank), except: null);
        }
    }

    // Whether the line may close from here on.
    private bool Received(WatchLine line, WatchMessage message)
    {
        if (message.Kind == WatchMessageKind.End)
        {
            End(message, line);
        }

        return message.Kind is WatchMessageKind.Bye or WatchMessageKind.End;
    }

    private void Ended(WatchLine line, bool gone, string reason)
    {
        if (!gone)
        {
            int lost = line.Peer!.Rank;
            End(new WatchMessage(WatchMessageKind.End, lost, $"rank {lost} of {_size} ({line.Peer.Process}) is lost: {reason}; the run can be resumed from its last checkpoint", ExitCode: 1), line);
        }
    }

    private void End(WatchMessage message, WatchLine from)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Spread(message, from);
            _end(message.ExitCode, message.Text);
        }
    }

    private void Spread(WatchMessage message, WatchLine? except)
    {
        foreach (WatchLine line in _lines.Where(line => line != except))
        {
            line.Send(message);
        }
    }

    private void HangUp()
    {
        foreach (WatchLine line in _lines)
        {
            line.HangUp(_options.Farewell);
        }
    }
}
