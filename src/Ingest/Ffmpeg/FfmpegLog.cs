using System.Text.RegularExpressions;

namespace Xkd.Ingest;

/// <summary>
/// What ffmpeg or ffprobe complains of at <c>-v level+warning</c>. What a file holds, and how large and long it is, the probe says in JSON; the three
/// warnings that are known here are said nowhere else. Not thread-safe.
/// </summary>
internal sealed partial class FfmpegLog
{
    private const int KeptErrors = 20;
    private readonly List<string> _errors = [];

    /// <summary>The first messages of level error and above, each once.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>How many messages of level error and above there were.</summary>
    public int ErrorCount { get; private set; }

    /// <summary>The container declares no duration: what is said of it follows from the size and the bit rate.</summary>
    public bool EstimatesDuration { get; private set; }

    /// <summary>
    /// The sound changed its rate or channels on the way. Its filters are then made anew, and what fills a late start with silence fills all the time
    /// before the change with it again.
    /// </summary>
    public bool SoundRestarted { get; private set; }

    /// <summary>Takes in the next line of standard error.</summary>
    public void Add(string line)
    {
        // Whatever stands before it: a message that did not end its line is followed by the next on the same one.
        var match = Message().Match(line);
        while (match.Success)
        {
            Add(match.Groups["level"].Value, match.Groups["text"].Value.Trim());
            match = match.NextMatch();
        }
    }

    private void Add(string level, string text)
    {
        if (text.Contains("monoton", StringComparison.Ordinal) && text.Contains("muxer", StringComparison.Ordinal))
        {
            // Times that begin anew in an output; the picture's are put in order before.
            SoundRestarted = true;
        }
        else if (level is "error" or "fatal" or "panic" || text.Contains("corrupt decoded frame", StringComparison.Ordinal) || text.Contains("Changing video frame properties", StringComparison.Ordinal))
        {
            ErrorCount++;
            if (_errors.Count < KeptErrors && !_errors.Contains(text))
            {
                _errors.Add(text);
            }
        }
        else if (text.StartsWith("Estimating duration from bitrate", StringComparison.Ordinal))
        {
            EstimatesDuration = true;
        }
    }

    [GeneratedRegex(@"\[(?<level>panic|fatal|error|warning|info)\] (?<text>.*?)(?=(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:panic|fatal|error|warning|info)\] |$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Message();
}
