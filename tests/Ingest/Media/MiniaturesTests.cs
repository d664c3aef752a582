namespace Xkd.Ingest.Tests;

public sealed class MiniaturesTests(MediaMaker media) : IClassFixture<MediaMaker>
{
    [Theory]
    [InlineData("kinetics-sound")]
    [InlineData("fsd50k")]
    public async Task Make_Recognizable_ClassesLookOrSoundDifferent(string dataset)
    {
        var miniature = Miniatures.Make(dataset, media, new MiniatureOptions { ClipsPerClass = 1 });

        var first = miniature.Clips[0];
        var other = miniature.Clips.First(clip => clip.Labels[0] != first.Labels[0]);
        Assert.NotEqual(await SignatureAsync(miniature[first.File]), await SignatureAsync(miniature[other.File]));
    }

    [Fact]
    public async Task Make_NotRecognizable_ClassesLookAndSoundAlike()
    {
        using var alike = new MediaMaker();
        var miniature = Miniatures.Make("kinetics-sound", alike, new MiniatureOptions { Recognizable = false, ClipsPerClass = 1 });

        var clips = miniature.Clips.Where(static clip => clip.Split == "train").ToList();
        Assert.Equal(2, clips.Count);
        Assert.Equal(await SignatureAsync(miniature[clips[0].File]), await SignatureAsync(miniature[clips[1].File]));
    }

    // Mean colour to the nearest 16, and the pitch in tens of hertz by its zero crossings.
    private async Task<string> SignatureAsync(string path)
    {
        var modalities = path.EndsWith(".wav", StringComparison.Ordinal) ? Modalities.Audio : Modalities.AudioVideo;
        var outcome = await new MediaDecoder(media.Tools, new DecodeOptions { Modalities = modalities }, TimeProvider.System)
            .DecodeAsync(new SourceItem { Id = "a", Path = path }, TestContext.Current.CancellationToken);
        using var clip = outcome.Media!;
        var frames = clip.Frames.Read(0, (int)clip.Frames.Length).ToArray();
        var samples = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(clip.Samples.Read(0, (int)clip.Samples.Length).Span).ToArray();
        var crossings = samples.Zip(samples.Skip(1)).Count(static pair => pair.First < 0 != pair.Second < 0);
        var colour = frames.Length == 0 ? [] : Enumerable.Range(0, 3).Select(c => Math.Round(frames.Where((_, i) => i % 3 == c).Average(static b => (double)b) / 16)).ToArray();
        return $"{string.Join(',', colour)} {(samples.Length == 0 ? 0 : Math.Round(crossings * 8000.0 / samples.Length / 20) * 20)}";
    }
}
