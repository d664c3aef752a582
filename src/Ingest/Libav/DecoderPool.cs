namespace Xkd.Ingest;

/// <summary>
/// Processes that decode with the libraries of the ffmpeg in use. They give the bytes that ffmpeg gives, for half of its CPU time, and refuse
/// every source that leaves any doubt; that is ffmpeg's then. Without libraries of the same build, or with an ffmpeg of the user's choice, there are none.
/// </summary>
/// <param name="tools">The ffmpeg in use.</param>
/// <param name="options">How sources are prepared.</param>
/// <param name="time">Measures the time a source may take.</param>
/// <param name="program">The program to start; null is the one beside this.</param>
internal sealed class DecoderPool(FfmpegTools tools, DecodeOptions options, TimeProvider time, string? program = null) : IAsyncDisposable
{
    private readonly string _program = program ?? DecoderProcess.Path;
    private readonly Lock _gate = new();
    private readonly Stack<DecoderProcess> _idle = [];
    private bool _closed;
    private int _decoded;
    private volatile string? _unusable = tools.IsChosen ? "XKD_FFMPEG names an ffmpeg, and not its libraries" : File.Exists(program ?? DecoderProcess.Path) ? null : "xkd-decode is missing";

    /// <summary>Why there are none, known once one was asked for; null where there are.</summary>
    public string? Unusable => _unusable;

    /// <summary>Processes started so far.</summary>
    public int Started { get; private set; }

    /// <summary>Sources decoded so far.</summary>
    public int Decoded => Volatile.Read(ref _decoded);

    /// <summary>Decodes a source; with the seconds that its container declares, null where it does not. Null where ffmpeg has to.</summary>
    /// <exception cref="TooLargeException">More comes out than one source may have.</exception>
    public async Task<(DecodeRun Run, double? Declared)?> DecodeAsync(SourceItem item, CancellationToken cancellationToken)
    {
        if (_unusable is not null || item.Start is not null || item.End is not null)
        {
            return null;
        }

        using var timeout = new CancellationTokenSource(options.ItemTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var process = await TakeAsync(either.Token);
        if (process is null)
        {
            return null;
        }

        var run = new DecodeRun(options);
        try
        {
            var end = await process.DecodeAsync(item.Path, run.AddFrames, run.AddSamples, either.Token);
            await ReturnAsync(process);
            if (end is { } decoded)
            {
                Interlocked.Increment(ref _decoded);
                (run.ExitCode, run.FrameSize) = (0, (decoded.Width, decoded.Height));
                return (run, DeclaredDuration.Believed(decoded.Seconds)); // none where it is not a number
            }
        }
        catch (Exception exception)
        {
            run.Dispose();
            process.Kill();
            await process.DisposeAsync();
            if (exception is IOException io && !DiskFull.Is(io))
            {
                return null; // the source has brought the process down: ffmpeg says what is wrong with it
            }

            if (exception is OperationCanceledException && timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return null; // it hangs; so will ffmpeg, and that is what is reported
            }

            throw;
        }

        run.Dispose();
        return null;
    }

    /// <summary>Ends the processes; one at work ends with its source.</summary>
    public async ValueTask DisposeAsync()
    {
        List<DecoderProcess> idle;
        lock (_gate)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        await Task.WhenAll(idle.Select(static process => process.DisposeAsync().AsTask()));
    }

    /// <summary>Starts a process, unless one is there, to know whether there are any; one that does not answer within the time of an item is none.</summary>
    public async Task TryAsync(CancellationToken cancellationToken)
    {
        if (_unusable is not null)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(options.ItemTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            if (await TakeAsync(either.Token) is { } process)
            {
                await ReturnAsync(process);
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _unusable = "xkd-decode does not answer";
        }
    }

    private async ValueTask ReturnAsync(DecoderProcess process)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _idle.Push(process);
                return;
            }
        }

        await process.DisposeAsync();
    }

    private async Task<DecoderProcess?> TakeAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_idle.TryPop(out var idle))
            {
                return idle;
            }
        }

        try
        {
            var (started, refusal) = await DecoderProcess.StartAsync(_program, options, tools.Build, cancellationToken);
            lock (_gate)
            {
                Started += started is null ? 0 : 1;
                _unusable ??= refusal;
            }

            return started;
        }
        catch (EndOfStreamException)
        {
            _unusable = "xkd-decode ends as it starts";
            return null;
        }
    }
}
