using System.Text;
using System.Text.Json;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// <c>metrics.jsonl</c>: one line per optimizer step, in order, without gaps or repeats. A resumed run cuts what lies past its
/// checkpoint, so that the file always tells one curve.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private static readonly JsonSerializerOptions JsonOptions = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private const int BlockBytes = 1 << 16;

    private readonly Stream _file;
    private readonly MemoryStream _pending = new();

    internal MetricsLog(Stream file) => _file = file;

    /// <summary>Opens the log of a run that has done <paramref name="completedSteps"/> steps; later lines, and one cut off by a crash, go.</summary>
    public static MetricsLog Open(string path, long completedSteps)
    {
        if (File.Exists(path))
        {
            // Cut in place: it needs no room, and what it cuts is the end, for the lines are in order.
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
            file.SetLength(UpTo(file, completedSteps).Length);
        }

        return new MetricsLog(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0));
    }

    /// <summary>All complete lines of a log.</summary>
    /// <exception cref="FailureException">There is no log, or a line of it is not one of a step.</exception>
    public static IReadOnlyList<StepMetrics> Read(string path) => File.Exists(path)
        ? [.. File.ReadLines(path).Index().Where(line => StepOf(line.Item) is not null).Select(line => Parse($"{path}, line {line.Index + 1}", line.Item))]
        : throw new FailureException($"{path}: no such file; is this a run folder that has trained a step?");

    /// <summary>The last whole line of no later step than <paramref name="step"/>: bytes up to its end, and its step. Zeros where there is none.</summary>
    internal static (long Length, long Step) UpTo(string path, long step)
    {
        if (!File.Exists(path))
        {
            return default;
        }

        using var file = OpenShared(path);
        return UpTo(file, step);
    }

    /// <summary>The steps of whole lines from a byte on, a block at most, each with the byte after its line. What is being written is left for later.</summary>
    /// <exception cref="FailureException">A line is damaged.</exception>
    internal static IEnumerable<(StepMetrics Step, long End)> ReadFrom(string path, long from)
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        using var file = OpenShared(path);
        file.Position = from;
        var block = new byte[BlockBytes];
        var size = file.ReadAtLeast(block, BlockBytes, throwOnEndOfStream: false);
        for (int start = 0, length; (length = block.AsSpan(start, size - start).IndexOf((byte)'\n') + 1) > 0; start += length)
        {
            yield return (Parse($"{path}, the line from byte {from + start}", Encoding.UTF8.GetString(block, start, length)), from + start + length);
        }
    }

    private static FileStream OpenShared(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);

    private static StepMetrics Parse(string where, string line)
    {
        try
        {
            return JsonSerializer.Deserialize<StepMetrics>(line, JsonOptions)!;
        }
        catch (JsonException e)
        {
            throw new FailureException($"{where} is damaged: {e.Message}", e);
        }
    }

    /// <summary>Appends and hands the lines to the operating system.</summary>
    /// <exception cref="FullDiskException">There is no room; the lines are kept, and written before those of the next call.</exception>
    public void Append(IEnumerable<StepMetrics> steps)
    {
        foreach (var step in steps)
        {
            JsonSerializer.Serialize(_pending, step, JsonOptions);
            _pending.WriteByte((byte)'\n');
        }

        Flush();
    }

    /// <summary>Writes what an earlier call could not.</summary>
    /// <exception cref="FullDiskException">There still is no room.</exception>
    public void Flush()
    {
        var whole = _file.Length;
        try
        {
            _file.Write(_pending.GetBuffer(), 0, (int)_pending.Length);
            _pending.SetLength(0);
        }
        catch (IOException e) when (FullDiskException.IsCause(e))
        {
            _file.SetLength(whole); // part of the lines may have been written
            _file.Seek(0, SeekOrigin.End);
            throw new FullDiskException($"the metrics cannot be written: {e.Message}. Make room and resume.", e);
        }
    }

    public void Dispose() => _file.Dispose();

    // Bytes up to the end of the last whole line of a step that is done. Sought from the end, where it is: the log of a long run has gigabytes.
    private static (long Length, long Step) UpTo(Stream file, long completedSteps)
    {
        var block = new byte[BlockBytes];
        for (var end = file.Length; end > 0;)
        {
            var size = (int)Math.Min(block.Length, end);
            file.Position = end - size;
            file.ReadExactly(block, 0, size);
            var lineEnd = size;
            while (lineEnd > 0)
            {
                var lineStart = block.AsSpan(0, lineEnd - 1).LastIndexOf((byte)'\n') + 1;
                if (lineStart == 0 && size < end)
                {
                    break; // it may begin in the block before
                }

                if (block[lineEnd - 1] == '\n' && StepOf(Encoding.UTF8.GetString(block, lineStart, lineEnd - lineStart)) is { } step && step <= completedSteps)
                {
                    return (end - size + lineEnd, step);
                }

                lineEnd = lineStart;
            }

            if (lineEnd == size)
            {
                block = new byte[2L * block.Length]; // a line longer than the block: what a power cut left, perhaps
            }

            end -= size - lineEnd;
        }

        return default;
    }

    private static long? StepOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("step", out var step)
                && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out var number) ? number : null;
        }
        catch (JsonException)
        {
            return null; // the last line of a run that was killed while writing
        }
    }
}
