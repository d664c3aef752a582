using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipelines;
using System.IO.Pipes;
using System.Text;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Runs ffmpeg with any number of pipes for its inputs and outputs. Every output is drained to its end before the exit code is looked at: a process that
/// has exited may still have bytes in its pipes.
/// </summary>
/// <param name="tools">The ffmpeg in use.</param>
/// <param name="buffers">Lends the memory for what comes out; null: the shared pool.</param>
internal sealed class FfmpegProcess(FfmpegTools tools, ArrayPool<byte>? buffers = null)
{
    // A pipe is inheritable from its creation until our copy of its write end is closed. A second process started in between would
    // hold the first one's pipes open and delay their end: creation, start and closing happen under one lock.
    public static readonly Lock StartGate = new();
    private readonly StreamPipeReaderOptions _reading = new(buffers is null ? null : new PayloadMemory(buffers), bufferSize: 256 << 10, minimumReadSize: 64 << 10);

    /// <summary>Runs with output pipes to the end and returns the exit code. Cancelling kills the process and its children.</summary>
    /// <param name="arguments">Composes the command line, given the descriptor of each sink's pipe.</param>
    /// <param name="sinks">Receive each output's bytes, each on one thread at a time.</param>
    /// <param name="log">Receives each line of standard error.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="FailureException">ffmpeg does not start: no other item would fare better.</exception>
    public Task<int> RunAsync(
        Func<IReadOnlyList<string>, string> arguments, IReadOnlyList<SpanSink> sinks, Action<string> log, CancellationToken cancellationToken) =>
        RunAsync(arguments, PipeDirection.In, [.. sinks.Select(Func<Stream, Task> (sink) => pipe => DrainAsync(pipe, sink))], log, cancellationToken);

    /// <summary>Runs with input pipes, all fed at once, to the end and returns the exit code. Cancelling kills the process and its children.</summary>
    /// <param name="arguments">Composes the command line, given the descriptor of each feed's pipe.</param>
    /// <param name="feeds">Write each input's bytes; the pipe is closed after them.</param>
    /// <param name="log">Receives each line of standard error.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="FailureException">ffmpeg does not start.</exception>
    public Task<int> FeedAsync(
        Func<IReadOnlyList<string>, string> arguments, IReadOnlyList<Func<Stream, Task>> feeds, Action<string> log, CancellationToken cancellationToken) =>
        RunAsync(arguments, PipeDirection.Out, [.. feeds.Select(static Func<Stream, Task> (feed) => pipe => FeedAsync(pipe, feed))], log, cancellationToken);

    private async Task<int> RunAsync(
        Func<IReadOnlyList<string>, string> arguments, PipeDirection direction, IReadOnlyList<Func<Stream, Task>> transfers, Action<string> log,
        CancellationToken cancellationToken)
    {
        var pipes = new List<AnonymousPipeServerStream>(transfers.Count);
        try
        {
            using var process = Start(arguments, direction, transfers.Count, pipes);
            await using var kill = cancellationToken.UnsafeRegister(static state => Kill((Process)state!), process);
            var work = pipes.Select((pipe, i) => transfers[i](pipe)).Append(ReadLinesAsync(process.StandardError, log));
            await Task.WhenAll(work.Select(transfer => KillIfFailedAsync(process, transfer)));
            await process.WaitForExitAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            return process.ExitCode;
        }
        finally
        {
            pipes.ForEach(static pipe => pipe.Dispose());
        }
    }

    private Process Start(Func<IReadOnlyList<string>, string> arguments, PipeDirection direction, int count, List<AnonymousPipeServerStream> pipes)
    {
        lock (StartGate)
        {
            for (var i = 0; i < count; i++)
            {
                pipes.Add(new AnonymousPipeServerStream(direction, HandleInheritability.Inheritable));
            }

            try
            {
                var start = new ProcessStartInfo(tools.Ffmpeg, arguments([.. pipes.Select(static pipe => pipe.GetClientHandleAsString())]))
                {
                    UseShellExecute = false,
                    RedirectStandardError = true,
                    StandardErrorEncoding = Encoding.UTF8,
                };
                return Process.Start(start)!;
            }
            catch (Win32Exception exception)
            {
                throw new FailureException($"{tools.Ffmpeg} does not start ({exception.Message}); check that it is still installed, then run the same command again.", exception);
            }
            finally
            {
                pipes.ForEach(static pipe => pipe.DisposeLocalCopyOfClientHandle());
            }
        }
    }

    // A sink that failed (its disk is full) reads no more: the process would wait on that pipe, and the other drains on the process.
    private static async Task KillIfFailedAsync(Process process, Task transfer)
    {
        try
        {
            await transfer;
        }
        catch
        {
            Kill(process);
            throw;
        }
    }

    private async Task DrainAsync(Stream pipe, SpanSink sink)
    {
        var reader = PipeReader.Create(pipe, _reading);
        while (true)
        {
            var result = await reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                sink(segment.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                await reader.CompleteAsync();
                return;
            }
        }
    }

    private static async Task FeedAsync(Stream pipe, Func<Stream, Task> feed)
    {
        try
        {
            await Task.Run(() => feed(pipe));
        }
        catch (IOException)
        {
            // A broken pipe: the process has ended early, and its exit code and log say why.
        }
        finally
        {
            await pipe.DisposeAsync();
        }
    }

    /// <summary>Hands on each line, until the stream's end, and closes it.</summary>
    internal static async Task ReadLinesAsync(StreamReader reader, Action<string> log)
    {
        // Closed here: a process does not close a stream that its user has taken over, and the descriptor would stay until a collection.
        using (reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                log(line);
            }
        }
    }

    /// <summary>Ends a process and its children, if it has not ended.</summary>
    internal static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has exited by itself in the meantime: nothing is left to end.
        }
    }
}
