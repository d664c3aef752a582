namespace Xkd.Ingest;

/// <summary>A stream as ffmpeg's log lists it.</summary>
/// <param name="Index">Its index in the container.</param>
/// <param name="Kind">"Video", "Audio", "Subtitle", "Data" or "Attachment".</param>
/// <param name="AttachedPicture">A cover image: no video, though ffmpeg decodes it as a video of one frame.</param>
internal sealed record LoggedStream(int Index, string Kind, bool AttachedPicture);
