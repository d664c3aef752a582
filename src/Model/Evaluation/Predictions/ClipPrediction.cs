using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>What a classifier makes of a recording, or of one segment of a long one.</summary>
public sealed record ClipPrediction
{
    /// <summary>The recording; of a segment the clip, <c>ITEM#3</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What it is, where that is known; several labels are joined by <c>;</c>.</summary>
    public string? Label { get; init; }

    /// <summary>Seconds from the beginning of the source.</summary>
    public double Start { get; init; }

    /// <summary>Seconds from the beginning of the source.</summary>
    public double End { get; init; }

    /// <summary>A score for each class; a recording's are the mean of its segments'.</summary>
    public required double[] Scores { get; init; }

    /// <summary>The segments of a recording that was cut, in time; empty where it was not.</summary>
    public IReadOnlyList<ClipPrediction> Segments { get; init; } = [];

    /// <summary>The clips of one recording, each with its scores, as one prediction.</summary>
    internal static ClipPrediction Of(IReadOnlyList<(ClipEntry Clip, double[] Scores)> clips)
    {
        ClipPrediction[] parts = [.. clips.Select(c => Of(c.Clip, c.Scores)).OrderBy(p => p.Start)];
        return parts.Length == 1 && SegmentId.Split(parts[0].Id).Number is null ? parts[0] : parts[0] with
        {
            Id = SegmentId.Split(parts[0].Id).Item,
            End = parts.Max(p => p.End),
            Scores = RecordingScores.Mean([.. parts.Select(p => p.Scores)]),
            Segments = parts,
        };
    }

    /// <summary>Its row, and those of its segments.</summary>
    /// <param name="classes">Names by score.</param>
    /// <param name="threshold">Above which a class is predicted; null predicts the one of the highest score.</param>
    public IEnumerable<PredictionRow> Rows(IReadOnlyList<string> classes, double? threshold) => Segments.Prepend(this).Select(part => new PredictionRow
    {
        Id = part.Id,
        Item = Id,
        Label = part.Label,
        Predicted = part.Predicted(classes, threshold),
        Score = (float)part.Scores.Max(),
        Scores = Array.ConvertAll(part.Scores, s => (float)s),
        Start = part.Start,
        End = part.End,
    });

    /// <summary>The name of the class of the highest score; with a threshold those above it, joined by <c>;</c>, and empty where none is.</summary>
    public string Predicted(IReadOnlyList<string> classes, double? threshold) => threshold is double above
        ? string.Join(';', Top(classes.Count).Where(c => Scores[c] > above).Select(c => classes[c]))
        : classes[TopK.Best(Scores)];

    /// <summary>The classes of the k highest scores, best first; of equal ones the lower index.</summary>
    public IEnumerable<int> Top(int k) => Enumerable.Range(0, Scores.Length).OrderByDescending(c => Scores[c]).Take(k);

    private static ClipPrediction Of(ClipEntry clip, double[] scores) => new()
    {
        Id = clip.Id,
        Label = clip.Label ?? (clip.Labels.Count > 0 ? string.Join(';', clip.Labels) : null),
        Start = clip.Start,
        End = clip.Start + clip.Duration,
        Scores = scores,
    };
}

/// <summary>Joins the scores of a recording's segments, which follow each other.</summary>
/// <param name="take">Receives the number of a recording's first clip and the scores of each of its clips.</param>
internal sealed class RecordingScores(Action<int, IReadOnlyList<double[]>> take)
{
    private List<double[]> _clips = [];
    private ulong _recording;
    private int _first;

    /// <summary>The next clip.</summary>
    /// <param name="recording">The same for the segments of one recording; see <see cref="ClipSource.Key"/>.</param>
    /// <param name="scores">By class.</param>
    public void Add(ulong recording, double[] scores)
    {
        if (_clips.Count > 0 && recording != _recording)
        {
            Finish();
        }

        _recording = recording;
        _clips.Add(scores);
    }

    /// <summary>The last recording is complete.</summary>
    public void Finish()
    {
        if (_clips.Count > 0)
        {
            var clips = _clips;
            _clips = [];
            take(_first, clips);
            _first += clips.Count;
        }
    }

    /// <summary>The mean over clips.</summary>
    public static double[] Mean(IReadOnlyList<double[]> clips) =>
        clips.Count == 1 ? clips[0] : [.. Enumerable.Range(0, clips[0].Length).Select(c => clips.Average(s => s[c]))];
}

/// <summary>Counts what scores are worth as they come; of single labels it keeps counts alone, because the scores of every clip would outgrow memory.</summary>
internal sealed class ScoreTally(IReadOnlyList<string> classes, bool multi, bool released = false)
{
    private readonly ConfusionMatrix _confusion = new(classes.Count);
    private readonly List<double> _scores = [];
    private readonly List<int[]> _sets = [];
    private int _right, _amongFive;

    /// <param name="labels">The classes it has: one, or of multi-label clips any number.</param>
    /// <param name="scores">By class.</param>
    public void Add(int[] labels, double[] scores)
    {
        if (multi)
        {
            _scores.AddRange(scores);
            _sets.Add(labels);
            return;
        }

        _confusion.Add(labels[0], TopK.Best(scores));
        _right += TopK.Hit(scores, labels[0], 1) ? 1 : 0; // a score that is not a number is never right
        _amongFive += TopK.Hit(scores, labels[0], 5) ? 1 : 0;
    }

    public ClipScores Scores => multi ? ClipScores.Multi([.. _scores], _sets, classes, released) : ClipScores.Counted(_confusion, _right, _amongFive, classes);
}
