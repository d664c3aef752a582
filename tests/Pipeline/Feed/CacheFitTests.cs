using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class CacheFitTests
{
    private static readonly IngestOrigin Origin = new() { Dataset = "ucf101", Root = "/data/UCF 101", Modalities = "video", MaxClip = 60 };

    [Fact]
    public void Require_LargerViewsThanTheCache_GivesTheCommandThatMakesThem()
    {
        var error = Refused(new OriginClips(new FakeClips(3), Origin with { Split = "1:train", Annotations = "/lists", MaxClip = 20 }), Modalities.Video, frameSize: 224);

        Assert.Contains("short_side is 16, views of 224 pixels need at least 224", error, StringComparison.Ordinal);
        Assert.EndsWith(
            "run: xkd ingest --dataset ucf101 --root '/data/UCF 101' --split 1:train --annotations /lists --out /caches/ucf-video-224 --modalities video --fps 8 --short-side 224 --max-clip 20",
            error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Require_FramesOfAnOlderRule_AreRefusedUnlessAnyWillDo()
    {
        FakeClips fake = new(3);
        OriginClips older = new(new FakeClips(3) { Fingerprint = fake.Fingerprint with { FrameRule = FrameRules.Nearest } }, Origin);
        var error = Refused(older, Modalities.Video, frameSize: 16);

        Assert.Contains("frame_rule is nearest, not on_screen (frame_rule: any takes it as it is", error, StringComparison.Ordinal);
        CacheFit.Require(older, Options(Modalities.Video, 16) with { AnyFrameRule = true });
        CacheFit.Require(older, Options(Modalities.None, 16)); // frames that are not read
    }

    [Fact]
    public void Require_AudioOfAVideoCache_GivesTheCommandForBoth()
    {
        var error = Refused(new OriginClips(new FakeClips(3, melFrames: _ => 0), Origin), Modalities.Audio, frameSize: 224);

        Assert.Contains("3 clips without audio, the first is clip0000 (it was ingested without audio)", error, StringComparison.Ordinal);
        Assert.EndsWith("run: xkd ingest --dataset ucf101 --root '/data/UCF 101' --out /caches/ucf-av-16 --modalities av --fps 8 --short-side 16", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_VideoOfAnAudioCacheOfTwoDataSets_IngestsBothAgain()
    {
        IngestOrigin esc = new() { Dataset = "esc50", Root = "/data/esc", Modalities = "audio", MaxClip = 60 };
        var error = Refused(new OriginClips(new FakeClips(3, frames: _ => 0), esc, esc with { Root = "/data/more" }), Modalities.Video, frameSize: 16);

        Assert.EndsWith(
            "run: xkd ingest --dataset esc50 --root /data/esc --out /caches/ucf-av-16 --modalities av --fps 8 --short-side 16"
            + " && xkd ingest --dataset esc50 --root /data/more --out /caches/ucf-av-16 --modalities av --fps 8 --short-side 16",
            error,
            StringComparison.Ordinal);
    }

    private static string Refused(IClipSource source, Modalities modalities, int frameSize) =>
        Assert.Throws<UsageException>(() => CacheFit.Require(source, Options(modalities, frameSize))).Message;

    private static FeedOptions Options(Modalities modalities, int frameSize) => FakeClips.Options with { Modalities = modalities, FrameSize = frameSize };

    private sealed class OriginClips(FakeClips clips, params IReadOnlyList<IngestOrigin> origins) : IClipSource
    {
        public string Name => "/caches/ucf";

        public IReadOnlyList<ClipEntry> Clips => clips.Clips;

        public Fingerprint Fingerprint => clips.Fingerprint;

        public MelStatistics MelStatistics => clips.MelStatistics;

        public IReadOnlyList<IngestOrigin> Origins => origins;

        public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination) => clips.ReadFrames(clip, firstFrame, count, destination);

        public void ReadMel(ClipEntry clip, Span<Half> destination) => clips.ReadMel(clip, destination);

        public void ReadPcm(ClipEntry clip, Span<short> destination) => clips.ReadPcm(clip, destination);

        public void Dispose() => clips.Dispose();
    }
}
