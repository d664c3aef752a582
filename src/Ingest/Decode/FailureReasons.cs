namespace Xkd.Ingest;

/// <summary>The ledger's reasons. Scripts match on them: the words never change.</summary>
internal static class FailureReasons
{
    public const string Absent = "absent";
    public const string Unreadable = "unreadable";
    public const string Empty = "empty";
    public const string NotMedia = "not-media";
    public const string Truncated = "truncated";
    public const string Corrupt = "corrupt";
    public const string NoVideo = "no-video";
    public const string NoAudio = "no-audio";
    public const string NoFrames = "no-frames";
    public const string Timeout = "timeout";
    public const string TooShort = "too-short";
    public const string TooLarge = "too-large";
    public const string Io = "io";
}
