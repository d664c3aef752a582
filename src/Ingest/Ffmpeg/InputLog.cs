namespace Xkd.Ingest;

/// <summary>What was said about a run's input.</summary>
internal sealed class InputLog
{
    private const int KeptErrors = 20;
    private readonly List<LoggedStream> _streams = [];
    private readonly List<string> _errors = [];

    /// <summary>The container's declared duration in seconds; null when unknown.</summary>
    public double? Duration { get; set; }

    /// <summary>
    /// The duration is ffmpeg's own estimate: from the clock's first and last time, in containers whose clock may jump, or from the bit rate.
    /// </summary>
    public bool EstimatesDuration { get; set; }

    /// <summary>The input's streams.</summary>
    public IReadOnlyList<LoggedStream> Streams => _streams;

    /// <summary>The stream frames are made of; null when none are.</summary>
    public LoggedStream? VideoUsed { get; private set; }

    /// <summary>The stream samples are made of; null when none are.</summary>
    public LoggedStream? AudioUsed { get; private set; }

    /// <summary>Width and height of the raw frames, rotation applied; null when no video comes out.</summary>
    public (int Width, int Height)? FrameSize { get; private set; }

    /// <summary>The picture changed size or format on the way: frames before and after may differ in size.</summary>
    public bool Reconfigured { get; set; }

    /// <summary>
    /// The sound changed its rate or channels on the way. Its filters are then made anew, and what fills a late start with silence fills all the time
    /// before the change with it again.
    /// </summary>
    public bool SoundRestarted { get; set; }

    /// <summary>The first messages of level error and above, each once.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>How many messages of level error and above there were.</summary>
    public int ErrorCount { get; private set; }

    public void AddStream(LoggedStream stream) => _streams.Add(stream);

    /// <summary>A stream feeds an output.</summary>
    public void Use(int index)
    {
        var stream = _streams.Find(stream => stream.Index == index);
        (VideoUsed, AudioUsed) = stream?.Kind == "Video" ? (stream, AudioUsed) : (VideoUsed, stream);
    }

    /// <summary>The size frames come out in. Printed again when the filters are rebuilt: another one then means that bytes no longer line up.</summary>
    public void AddFrameSize((int Width, int Height) size)
    {
        Reconfigured |= FrameSize is not null && FrameSize != size;
        FrameSize ??= size;
    }

    public void AddError(string text)
    {
        ErrorCount++;
        if (_errors.Count < KeptErrors && !_errors.Contains(text))
        {
            _errors.Add(text);
        }
    }
}
