using System.Buffers.Text;

namespace Xkd.Ingest;

/// <summary>What a run of ffmpeg, or of its libraries, brought of one source.</summary>
internal sealed class DecodeRun(DecodeOptions options) : IDisposable
{
    private readonly MemoryStream _times = new();

    /// <summary>What was complained of.</summary>
    public FfmpegLog Log { get; } = new();

    public Spool Frames { get; } = new(options.ResidentBytes, options.SpoolFolder, options.Buffers);

    public Spool Samples { get; } = new(options.ResidentBytes, options.SpoolFolder, options.Buffers);

    public int ExitCode { get; set; } = -1;

    /// <summary>Width and height of the frames; 0 without.</summary>
    public (int Width, int Height) FrameSize { get; set; }

    public double FrameSeconds => Frames.Length == 0 ? 0 : Frames.Length / FrameBytes / options.Fps;

    public double SampleSeconds => (double)Samples.Length / sizeof(float) / options.SampleRate;

    /// <summary>The process came to its end, and the bytes are whole frames and samples.</summary>
    public bool IsWhole => ExitCode == 0 && (Frames.Length == 0 || Frames.Length % FrameBytes == 0) && Samples.Length % sizeof(float) == 0;

    /// <summary>When the first picture was decoded that a seek led to, counted from where it should lead; null where there was none.</summary>
    public double? FirstPicture
    {
        get
        {
            var text = _times.GetBuffer().AsSpan(0, (int)_times.Length);
            var at = text.IndexOf("pts_time:"u8);
            return at >= 0 && Utf8Parser.TryParse(text[(at + 9)..], out double seconds, out _) ? seconds : null;
        }
    }

    private long FrameBytes => (long)FrameSize.Width * FrameSize.Height * 3;

    /// <exception cref="TooLargeException">They are more than a source may have.</exception>
    public void AddFrames(ReadOnlySpan<byte> bytes) => Add(Frames, bytes);

    /// <exception cref="TooLargeException">They are more than a source may have.</exception>
    public void AddSamples(ReadOnlySpan<byte> bytes) => Add(Samples, bytes);

    /// <summary>Takes the lines that name the times of the decoded pictures, as far as the first needs them.</summary>
    public void AddTimes(ReadOnlySpan<byte> bytes)
    {
        if (_times.Length < 1024)
        {
            _times.Write(bytes);
        }
    }

    private void Add(Spool spool, ReadOnlySpan<byte> bytes)
    {
        if (Frames.Length + Samples.Length + bytes.Length > options.MaxDecoded)
        {
            throw TooLargeException.Decoded(options.MaxDecoded);
        }

        spool.Write(bytes);
    }

    public void Dispose()
    {
        Frames.Dispose();
        Samples.Dispose();
    }
}
