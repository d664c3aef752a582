namespace Xkd.Pipeline;

/// <summary>Which of a clip's modalities a feed delivers.</summary>
[Flags]
public enum Modalities
{
    None = 0,
    Video = 1,
    Audio = 2,
    Both = Video | Audio,
}
