using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Cli.Predictions;

/// <summary>Where predictions go: a Parquet or CSV file, the terminal, JSON.</summary>
/// <param name="classes">Names by score.</param>
/// <param name="threshold">Above which a class is predicted; null: the best.</param>
/// <param name="top">Classes shown of each recording.</param>
/// <param name="keepAll">Whether JSON wants every recording.</param>
internal sealed class PredictionOutput(IReadOnlyList<string> classes, double? threshold, int top, bool keepAll)
{
    private const int MostShown = 40, MostNameShown = 48;
    private readonly List<ClipPrediction> _kept = [];
    private int _labelled, _right;

    public int Recordings { get; private set; }

    /// <summary>Share of the recordings whose label is one of the classes that were taken for it, percent; null where none has one.</summary>
    public double? Accuracy => _labelled > 0 && threshold is null ? 100.0 * _right / _labelled : null;

    /// <summary>Opens the file.</summary>
    /// <exception cref="UsageException">The extension is neither <c>.parquet</c> nor <c>.csv</c>, or the file is there and may not be replaced.</exception>
    public static void Require(string path, bool force)
    {
        if (Path.GetExtension(path) is not (".parquet" or ".csv"))
        {
            throw new UsageException($"--out {path}: predictions are written as .parquet or .csv; name one of them");
        }

        Outputs.RequireFree(path, force);
    }

    public void Add(ClipPrediction prediction)
    {
        Recordings++;
        if (keepAll || _kept.Count < MostShown)
        {
            _kept.Add(prediction);
        }

        if (prediction.Label is { } label && classes.Contains(label))
        {
            _labelled++;
            _right += prediction.Predicted(classes, threshold) == label ? 1 : 0;
        }
    }

    /// <summary>A table of the first recordings and their segments.</summary>
    public void Write(Terminal terminal)
    {
        (string Name, string Text)[] lines = [.. _kept.Take(MostShown).SelectMany(p => p.Segments.Prepend(p).Select(part => (Name(part, p), Text(part))))];
        var width = lines.Length == 0 ? 0 : Math.Min(MostNameShown, lines.Max(l => l.Name.Length));
        foreach (var (name, text) in lines)
        {
            terminal.Result($"{(name.Length > width ? "…" + name[^(width - 1)..] : name.PadRight(width))}  {text}");
        }

        if (Recordings > MostShown)
        {
            terminal.Result($"… and {Recordings - MostShown} more; --out FILE.parquet keeps all");
        }

        if (Accuracy is double accuracy)
        {
            terminal.Result(string.Create(CultureInfo.InvariantCulture, $"{_right} of {_labelled} labelled recordings are predicted right: {accuracy:f2} %"));
        }
    }

    public object Json(IReadOnlyList<LedgerEntry> failed) => new
    {
        schema = 1, classes = classes.Count, threshold, top1 = Accuracy, predictions = _kept.Select(p => Json(p, segments: true)),
        failed = failed.Select(f => new { f.Id, f.Stage, f.Reason, f.Detail }),
    };

    private object Json(ClipPrediction p, bool segments) => new
    {
        p.Id, label = p.Predicted(classes, threshold), score = p.Scores.Max(), p.Start, p.End,
        top = p.Top(top).Select(c => new { label = classes[c], score = p.Scores[c] }),
        segments = segments ? p.Segments.Select(s => Json(s, segments: false)) : null,
    };

    private static string Name(ClipPrediction part, ClipPrediction whole) =>
        ReferenceEquals(part, whole) ? part.Id : string.Create(CultureInfo.InvariantCulture, $"  {part.Start:f1}-{part.End:f1} s");

    private string Text(ClipPrediction p) => string.Join(
        ", ", p.Top(top).Select(c => string.Create(CultureInfo.InvariantCulture, $"{classes[c]} {p.Scores[c]:f3}{(threshold is double t && p.Scores[c] > t ? " *" : "")}")));
}
