namespace Xkd.Storage.Tests;

public sealed class JpegFramesTests
{
    private static readonly Fingerprint Jpeg = Clips.Fingerprint with { FramesCodec = FrameCodecs.Jpeg };

    [Fact]
    public async Task ReadFrames_JpegCache_GivesTheWindowWithinTheCodecsLoss()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [Smooth("a", 9), Smooth("b", 1), Clips.Make("silent", frames: 0, height: 0, width: 0), Smooth("c", 300)];
        await Clips.WriteAsync(folder.Cache, clips, fingerprint: Jpeg);
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        foreach (var clip in clips.Where(c => c.NumFrames > 0))
        {
            var entry = cache.Clips.Single(c => c.Id == clip.Id);
            Assert.True(entry.FramesBytes < clip.Frames.Length / 2);
            var first = clip.NumFrames / 3;
            var window = new byte[(clip.NumFrames - first) * entry.FrameBytes];
            reader.ReadFrames(entry, first, clip.NumFrames - first, window);
            var expected = clip.Frames.Slice(first * entry.FrameBytes, window.Length).ToArray();
            Assert.InRange(window.Zip(expected, (x, y) => Math.Abs(x - y)).Average(), 0, 4);
        }
    }

    [Fact]
    public void Shortfall_WithoutTheLibrary_SaysWhatItCostsAndHowToInstallIt()
    {
        Assert.Equal(JpegFrames.IsFast, JpegFrames.Shortfall is null);
        Assert.Null(JpegFrames.ShortfallOf(fast: true));
        var line = JpegFrames.ShortfallOf(fast: false)!;
        Assert.DoesNotContain('\n', line);
        Assert.All(["half the speed", "times slower", "apt-get install libturbojpeg0"], part => Assert.Contains(part, line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Append_FramesEncodedBefore_AreStoredAsTheyAre()
    {
        using TempFolder folder = new();
        var clip = Smooth("a", 6);
        (var payload, var offsets) = JpegFrames.Encode(clip.Frames.Span, 6, clip.Height, clip.Width, 80);
        var manifest = await Clips.WriteAsync(folder.Cache, [clip with { Frames = payload, FrameOffsets = offsets }], fingerprint: Jpeg);
        var file = await File.ReadAllBytesAsync(folder.In(manifest.Shards[0].Path), TestContext.Current.CancellationToken);
        Assert.True(payload.AsSpan().SequenceEqual(file.AsSpan((int)Cache.Open(folder.Cache).Clips[0].FramesOffset, payload.Length)));
    }

    [Fact]
    public async Task ReadFrames_OneJpegDamaged_FailsOnItsWindowOnly()
    {
        using TempFolder folder = new();
        var manifest = await Clips.WriteAsync(folder.Cache, [Smooth("a", 10)], fingerprint: Jpeg);
        var clip = Cache.Open(folder.Cache).Clips[0];
        Files.Flip(folder.In(manifest.Shards[0].Path), clip.FramesOffset + clip.FramesBytes - 3);
        using ClipReader reader = new(Cache.Open(folder.Cache));
        var window = new byte[9 * clip.FrameBytes];
        reader.ReadFrames(clip, 0, 9, window);
        var e = Assert.Throws<CorruptCacheException>(() => reader.ReadFrames(clip, 9, 1, window));
        Assert.Equal(("frames", (long?)0), (e.Column, e.Row));
        Assert.Contains("frame 9", e.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_AnyCodec_DecodesToTheSamePixelsByAny()
    {
        // Which library a machine has must not change what a run sees there. The one that is in every build stands in where the other is not installed.
        using SkiaJpegCodec skia = new();
        using var fast = JpegFrames.NewCodec();
        var clip = Smooth("a", 3);
        var frameBytes = clip.Height * clip.Width * 3;
        IJpegCodec[] codecs = [skia, fast];
        byte[][] decoded =
        [
            .. codecs.SelectMany(encoder => codecs.Select(decoder =>
            {
                (var payload, var offsets) = JpegFrames.Encode(encoder, clip.Frames.Span, 3, clip.Height, clip.Width, 90);
                var frames = new byte[3 * frameBytes];
                for (var i = 0; i < 3; i++)
                {
                    decoder.Decode(payload.AsSpan((int)offsets[i]..(int)offsets[i + 1]), clip.Height, clip.Width, frames.AsSpan(i * frameBytes, frameBytes));
                }

                return frames;
            })),
        ];
        Assert.All(decoded, frames => Assert.Equal(decoded[0], frames));
        Assert.InRange(decoded[0].Zip(clip.Frames.ToArray(), (x, y) => Math.Abs(x - y)).Average(), 0, 4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decode_OtherSizeOrNoJpeg_IsRefused(bool slow)
    {
        using var codec = slow ? new SkiaJpegCodec() : JpegFrames.NewCodec();
        var clip = Smooth("a", 1);
        (var payload, _) = JpegFrames.Encode(codec, clip.Frames.Span, 1, clip.Height, clip.Width, 90);
        var pixels = new byte[(clip.Height + 1) * clip.Width * 3];
        var size = Assert.Throws<FailureException>(() => codec.Decode(payload, clip.Height + 1, clip.Width, pixels));
        Assert.Contains("33×24", size.Message, StringComparison.Ordinal);
        Assert.Throws<FailureException>(() => codec.Decode(payload.AsSpan(0, 20), clip.Height, clip.Width, pixels));
        Assert.Throws<FailureException>(() => codec.Decode(new byte[100], clip.Height, clip.Width, pixels));
    }

    private static ClipRecord Smooth(string id, int frames)
    {
        const int height = 24;
        const int width = 33;
        var pixels = new byte[frames * height * width * 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            var pixel = i / 3;
            pixels[i] = (byte)((((pixel % width) * 5) + ((pixel / width % height) * 3) + (pixel / (width * height) * 2)) % 200);
        }

        return Clips.Make(id, frames, height, width) with { Frames = pixels };
    }
}
