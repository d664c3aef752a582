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
    // After so many refusals in a row ffmpeg, which takes several sources at once, does so many by itself before the next is tried here.
    private const int MostRefusals = 16;
    private const int Rest = 128;

    private readonly string _program = program ?? DecoderProcess.Path;
    private readonly Lock _gate = new();
    private readonly Stack<DecoderProcess> _idle = [];
    private bool _closed;
    private int _refusals;
    private int _rest;
    private volatile bool _unusable = tools.IsChosen || !File.Exists(program ?? DecoderProcess.Path);

    /// <summary>It may decode the next source.</summary>
    public bool IsUsable => !_unusable && Volatile.Read(ref _rest) <= 0;

    /// <summary>Processes started so far.</summary>
    public int Started { get; private set; }

    /// <summary>Decodes a source; null where ffmpeg has to.</summary>
    public async Task<DecodeRun?> DecodeAsync(DecodePlan plan, CancellationToken cancellationToken)
    {
        if (!IsUsable || plan.Item.Start is not null || plan.Item.End is not null)
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

        var run = new DecodeRun(plan, new InputLog(), new Spool(options.ResidentBytesTogether, options.SpoolFolder), new Spool(options.ResidentBytesTogether, options.SpoolFolder));
        try
        {
            var end = await process.DecodeAsync(plan.Item.Path, run.Frames.Write, run.Samples.Write, either.Token);
            await ReturnAsync(process);
            if (end is { } decoded)
            {
                Interlocked.Exchange(ref _refusals, 0);
                run.Settle(decoded);
                return run;
            }

            CountRefusal();
        }
        catch (Exception exception)
        {
            run.Dispose();
            process.Kill();
            await process.DisposeAsync();
            if (exception is IOException io && !DiskFull.Is(io))
            {
                CountRefusal();
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

    /// <summary>ffmpeg has decoded so many sources that were not tried here.</summary>
    public void Pass(int sources) => Interlocked.Add(ref _rest, -sources);

    private void CountRefusal()
    {
        if (Interlocked.Increment(ref _refusals) % MostRefusals == 0)
        {
            Volatile.Write(ref _rest, Rest);
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
            var started = await DecoderProcess.StartAsync(_program, options, tools.Build, cancellationToken);
            lock (_gate)
            {
                Started += started is null ? 0 : 1;
                _unusable |= started is null;
            }

            return started;
        }
        catch (EndOfStreamException)
        {
            _unusable = true;
            return null;
        }
    }
}
