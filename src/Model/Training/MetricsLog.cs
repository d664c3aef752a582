using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// <c>metrics.jsonl</c>: one line per optimizer step, in order, without gaps or repeats. A resumed run cuts what lies past its
/// checkpoint, so that the file always tells one curve.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private static readonly JsonSerializerOptions JsonOptions = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly StreamWriter _writer;

    private MetricsLog(StreamWriter writer) => _writer = writer;

    /// <summary>Opens the log of a run that has done <paramref name="completedSteps"/> steps; later lines, and one cut off by a crash, go.</summary>
    public static MetricsLog Open(string path, long completedSteps)
    {
        if (File.Exists(path))
        {
            // Beside and renamed: a crash here must not cost the lines that are good.
            string kept = path + ".tmp";
            File.WriteAllLines(kept, File.ReadLines(path).Where(line => StepOf(line) is long step && step <= completedSteps));
            File.Move(kept, path, overwrite: true);
        }

        return new MetricsLog(new StreamWriter(path, append: true));
    }

    /// <summary>All complete lines of a log.</summary>
    /// <exception cref="FailureException">There is no log.</exception>
    public static IReadOnlyList<StepMetrics> Read(string path) => File.Exists(path)
        ? [.. File.ReadLines(path).Where(line => StepOf(line) is not null).Select(line => JsonSerializer.Deserialize<StepMetrics>(line, JsonOptions)!)]
        : throw new FailureException($"{path}: no such file; is this a run folder that has trained a step?");

    /// <summary>Appends and hands the lines to the operating system.</summary>
    public void Append(IEnumerable<StepMetrics> steps)
    {
        foreach (StepMetrics step in steps)
        {
            _writer.WriteLine(JsonSerializer.Serialize(step, JsonOptions));
        }

        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    private static long? StepOf(string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("step").GetInt64();
        }
        catch (JsonException)
        {
            return null; // the last line of a run that was killed while writing
        }
    }
}
