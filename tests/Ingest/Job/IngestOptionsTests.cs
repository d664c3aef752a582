using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class IngestOptionsTests
{
    [Fact]
    public void PreparedAs_AnotherCache_TakesWhatItSaysOfMediaAndLeavesTheRest()
    {
        Fingerprint media = new() { Fps = 5, ShortSide = 64, FramesCodec = FrameCodecs.Jpeg, AudioCodec = AudioCodecs.Pcm, MelBackend = "nwaves", Decoder = "ffmpeg 5.1" };
        IngestOptions options = new() { Root = "media", Out = "cache", MaxClip = 30, Workers = 3, Modalities = Modalities.Audio };
        Assert.Equal(options with { Fps = 5, ShortSide = 64, Frames = "jpeg", Audio = "pcm", Mel = "nwaves" }, options.PreparedAs(media));
    }
}
