using System.Buffers;
using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>A running <c>xkd-decode</c>, which decodes one source after the other.</summary>
internal sealed class DecoderProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly PipeReader _reader;

    private DecoderProcess(Process process, ArrayPool<byte> buffers)
    {
        _process = process;
        _reader = PipeReader.Create(process.StandardOutput.BaseStream, new(new PayloadMemory(buffers), bufferSize: 1 << 20, minimumReadSize: 256 << 10));
    }

    /// <summary>Where the program lies: beside the one that runs.</summary>
    public static string Path { get; } = Find();

    /// <summary>Starts it and waits for its hello; or says why not: it does not start, or finds no libraries of <paramref name="build"/>.</summary>
    public static async Task<(DecoderProcess? Process, string? Refusal)> StartAsync(string program, DecodeOptions options, string build, CancellationToken cancellationToken)
    {
        var settings = new DecoderSettings(options.Fps, options.ShortSide, options.SampleRate, options.WantsVideo, options.WantsAudio, options.MaxPixels, options.MaxAspect, build);
        var start = new ProcessStartInfo(program, settings.Arguments()) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        var started = Start(start);
        if (started is null)
        {
            return (null, $"{program} does not start");
        }

        var process = new DecoderProcess(started, options.Buffers);
        string refusal;
        try
        {
            var said = string.Empty;
            var kind = await process.ReadAsync((_, payload) => said = Encoding.UTF8.GetString(payload), cancellationToken);
            if (kind == DecoderMessage.Hello && said == build)
            {
                return (process, null);
            }

            refusal = said;
        }
        catch
        {
            process.Kill();
            await process.DisposeAsync();
            throw;
        }

        await process.DisposeAsync();
        return (null, $"libraries of ffmpeg {build} are wanted, {refusal}");
    }

    /// <summary>
    /// Decodes a source into the two sinks. Null where the decoder refused it; then what the sinks have got is void.
    /// </summary>
    /// <exception cref="EndOfStreamException">The process has ended.</exception>
    public async Task<DecoderEnd?> DecodeAsync(string path, SpanSink frames, SpanSink samples, CancellationToken cancellationToken)
    {
        var text = Encoding.UTF8.GetBytes(path);
        var request = new byte[sizeof(int) + text.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, text.Length);
        text.CopyTo(request, sizeof(int));
        await _process.StandardInput.BaseStream.WriteAsync(request, cancellationToken);
        await _process.StandardInput.BaseStream.FlushAsync(cancellationToken);

        DecoderEnd end = default;
        while (true)
        {
            var kind = await ReadAsync(Take, cancellationToken);
            if (kind is DecoderMessage.End or DecoderMessage.Refused)
            {
                return kind == DecoderMessage.End ? end : null;
            }
        }

        void Take(DecoderMessage kind, ReadOnlySpan<byte> payload)
        {
            switch (kind)
            {
                case DecoderMessage.Frames:
                    frames(payload);
                    break;
                case DecoderMessage.Samples:
                    samples(payload);
                    break;
                case DecoderMessage.End:
                    end = DecoderEnd.Read(payload);
                    break;
            }
        }
    }

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Lets it end, which it does with its input, and waits.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A broken pipe: it has ended.
        }

        await _process.WaitForExitAsync();
        await _reader.CompleteAsync();
        _process.Dispose();
    }

    private static Process? Start(ProcessStartInfo start)
    {
        // A pipe of ffmpeg's that was just made must not be inherited.
        lock (FfmpegProcess.StartGate)
        {
            try
            {
                return Process.Start(start);
            }
            catch (Win32Exception)
            {
                return null; // it is not there, or may not be run; ffmpeg does its work
            }
        }
    }

    // One message; the payload arrives in one piece or several.
    private async Task<DecoderMessage> ReadAsync(MessageSink sink, CancellationToken cancellationToken)
    {
        const int Header = 5;
        var head = await _reader.ReadAtLeastAsync(Header, cancellationToken);
        if (head.Buffer.Length < Header)
        {
            throw new EndOfStreamException("xkd-decode has ended");
        }

        var (kind, left) = Parse(head.Buffer.Slice(0, Header));
        _reader.AdvanceTo(head.Buffer.GetPosition(Header));

        // What is small comes whole; frames and samples as they arrive.
        var whole = kind is not (DecoderMessage.Frames or DecoderMessage.Samples);
        while (left > 0)
        {
            var result = await (whole ? _reader.ReadAtLeastAsync(left, cancellationToken) : _reader.ReadAsync(cancellationToken));
            if (result.Buffer.IsEmpty || (whole && result.Buffer.Length < left))
            {
                throw new EndOfStreamException("xkd-decode has ended within a message");
            }

            var part = result.Buffer.Slice(0, Math.Min(left, result.Buffer.Length));
            left -= (int)part.Length;
            if (whole)
            {
                sink(kind, part.ToArray());
            }
            else
            {
                foreach (var segment in part)
                {
                    sink(kind, segment.Span);
                }
            }

            _reader.AdvanceTo(part.End);
        }

        return kind;
    }

    private static (DecoderMessage Kind, int Length) Parse(ReadOnlySequence<byte> header)
    {
        Span<byte> bytes = stackalloc byte[5];
        header.CopyTo(bytes);
        return ((DecoderMessage)bytes[0], BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]));
    }

    private delegate void MessageSink(DecoderMessage kind, ReadOnlySpan<byte> payload);

    // Beside the program; of a notebook, whose program is another's, in the package that this assembly came in.
    private static string Find()
    {
        const string Name = "xkd-decode";
        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, Name);
        var packaged = System.IO.Path.GetFullPath(System.IO.Path.Combine(typeof(DecoderProcess).Assembly.Location, "..", "..", "..", "decoder", Name));
        return !File.Exists(beside) && File.Exists(packaged) ? packaged : beside;
    }
}
