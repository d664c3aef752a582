using System.Globalization;
using System.Text.RegularExpressions;

namespace Xkd.Ingest;

/// <summary>
/// What ffmpeg itself says about one run (at <c>-v level+info</c>): its inputs' durations and streams, which stream feeds which output, the
/// frame size that comes out, and its errors. Reading it saves the second process (80 ms of CPU with a dynamically linked ffmpeg) that
/// probing first would cost on every source. Not thread-safe.
/// </summary>
internal sealed partial class FfmpegLog
{
    private readonly InputLog[] _inputs;
    private readonly Dictionary<int, InputLog> _outputs = [];
    private InputLog _input;
    private InputLog? _output;
    private bool _countsFromZero;

    /// <param name="inputs">The run's inputs, at least one.</param>
    public FfmpegLog(int inputs = 1)
    {
        _inputs = [.. Enumerable.Range(0, inputs).Select(static _ => new InputLog())];
        _input = _inputs[0];
    }

    /// <summary>By input, in the order of the command line.</summary>
    public IReadOnlyList<InputLog> Inputs => _inputs;

    /// <summary>Errors, in a run with several inputs, that do not say which of them they are about.</summary>
    public int UnassignedErrors { get; private set; }

    /// <summary>Takes in the next line of standard error.</summary>
    public void Add(string line)
    {
        var match = Line().Match(line);
        if (!match.Success)
        {
            return;
        }

        var text = match.Groups["text"].Value;
        if (text.Contains("monoton", StringComparison.Ordinal) && text.Contains("muxer", StringComparison.Ordinal) && _inputs.Length == 1)
        {
            // Times that begin anew in an output; the picture's are put in order before.
            _inputs[0].SoundRestarted = true;
        }
        else if (match.Groups["level"].Value is "error" or "fatal" or "panic")
        {
            AddError(line, text, changed: false);
        }
        else if (text.Contains("Changing video frame properties", StringComparison.Ordinal) || text.Contains("corrupt decoded frame", StringComparison.Ordinal))
        {
            AddError(line, text, changed: text[0] == 'C');
        }
        else if (text.StartsWith("Estimating duration from bitrate", StringComparison.Ordinal))
        {
            _inputs[0].EstimatesDuration |= _inputs.Length == 1; // which of several it is about is not said
        }
        else
        {
            AddFact(text);
        }
    }

    private void AddError(string line, string text, bool changed)
    {
        if (About(line) is { } input)
        {
            input.AddError(text);
            input.Reconfigured |= changed;
        }
        else
        {
            UnassignedErrors++;
        }
    }

    // "Error while decoding stream #3:0", "[graph 0 input from stream 3:0 @ 0x...]", "[vist#3:0/h264 @ 0x...]". What a decoder of an
    // older ffmpeg says carries only its own address.
    private InputLog? About(string line) =>
        _inputs.Length == 1 ? _inputs[0]
        : Subject().Match(line) is { Success: true } subject && Int(subject, "input") is var index && index < _inputs.Length ? _inputs[index]
        : null;

    private void AddFact(string text)
    {
        if (Section().Match(text) is { Success: true } section)
        {
            var index = Int(section, "index");
            _output = section.Groups["kind"].Value == "Output" ? _outputs.GetValueOrDefault(index, _inputs[0]) : null;
            if (_output is null)
            {
                _input = _inputs[Math.Min(index, _inputs.Length - 1)];
                _input.Opened = true;
                _countsFromZero = text.Contains(", matroska", StringComparison.Ordinal);
                _input.EstimatesDuration |= text.Contains(", mpegts,", StringComparison.Ordinal) || text.Contains(", mpeg,", StringComparison.Ordinal);
            }
        }
        else if (Mapping().Match(text) is { Success: true } mapping)
        {
            var input = _inputs[Math.Min(Int(mapping, "input"), _inputs.Length - 1)];
            _outputs[Int(mapping, "output")] = input;
            input.Use(Int(mapping, "stream"));
        }
        else if (Stream().Match(text) is { Success: true } stream)
        {
            AddStream(stream, text);
        }
        else if (_output is null && Declared().Match(text) is { Success: true } declared)
        {
            // Matroska's duration is the time of its end, whenever it begins.
            var begins = _countsFromZero ? Math.Max(0, Number(declared, "start")) : 0;
            var ends = (Number(declared, "h") * 3600) + (Number(declared, "m") * 60) + Number(declared, "s");
            _input.Duration = DeclaredDuration.Believed(ends - begins);
        }
    }

    private void AddStream(Match stream, string text)
    {
        var kind = stream.Groups["kind"].Value;
        if (_output is null)
        {
            _input.AddStream(new LoggedStream(Int(stream, "index"), kind, text.Contains("(attached pic)", StringComparison.Ordinal)));
        }
        else if (kind == "Video" && Size().Match(text) is { Success: true } size)
        {
            _output.AddFrameSize((Int(size, "w"), Int(size, "h")));
        }
    }

    private static int Int(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    // Hours have as many digits as a damaged header gives them.
    private static double Number(Match match, string group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?<level>panic|fatal|error|warning|info|verbose|debug)\] (?<text>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"(stream #|from stream |vist#|aist#|ist#)(?<input>\d{1,4}):\d", RegexOptions.ExplicitCapture)]
    private static partial Regex Subject();

    [GeneratedRegex(@"^(?<kind>Input|Output) #(?<index>\d{1,4}), ", RegexOptions.ExplicitCapture)]
    private static partial Regex Section();

    [GeneratedRegex(@"^  Stream #\d+:(?<index>\d{1,9})(\[0x[0-9a-f]+\])?(\([^)]*\))?: (?<kind>Video|Audio|Subtitle|Data|Attachment): ", RegexOptions.ExplicitCapture)]
    private static partial Regex Stream();

    [GeneratedRegex(@"^  Stream #(?<input>\d{1,4}):(?<stream>\d{1,9}) -> #(?<output>\d{1,9}):0 ", RegexOptions.ExplicitCapture)]
    private static partial Regex Mapping();

    [GeneratedRegex(@"^  Duration: (?<h>\d+):(?<m>\d\d):(?<s>\d\d\.\d+), start: (?<start>-?\d+\.\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Declared();

    [GeneratedRegex(@", (?<w>\d{1,5})x(?<h>\d{1,5})(?=[ ,]|$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Size();
}
