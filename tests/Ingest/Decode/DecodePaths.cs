namespace Xkd.Ingest.Tests;

/// <summary>
/// The ways a source is decoded: alone by the ffmpeg program, by the libraries in a process that stays, and, where those leave it, with others in
/// one run of the program. The latter two leave what they are not sure of to the first; where they give something, it is the same.
/// </summary>
internal sealed class DecodePaths : IAsyncDisposable
{
    private readonly DecoderPool _pool;
    private readonly MediaDecoder _decoder;

    public DecodePaths(FfmpegTools tools, DecodeOptions? options = null)
    {
        options ??= new DecodeOptions();
        _pool = new DecoderPool(tools, options, TimeProvider.System);
        _decoder = new MediaDecoder(tools, options, TimeProvider.System, _pool);
    }

    /// <summary>Decodes in every way, and holds that all that give anything give the same bytes.</summary>
    /// <param name="item">The source.</param>
    /// <returns>What came out, and whether the libraries gave it too.</returns>
    public async Task<(DecodedMedia Media, bool ByLibraries)> DecodeAsync(SourceItem item)
    {
        var stop = TestContext.Current.CancellationToken;
        var alone = await _decoder.DecodeAsync(item, stop);
        Assert.True(alone.Media is not null, alone.Failure?.ToString());
        var simply = await _decoder.DecodeSimplyAsync(item, stop);
        var others = simply is null ? await _decoder.DecodeTogetherAsync([item, item], stop) : [simply];
        foreach (var outcome in others.OfType<DecodeOutcome>())
        {
            Assert.True(outcome.Media is not null, outcome.Failure?.ToString());
            using var same = outcome.Media;
            Assert.Equal((alone.Media.Width, alone.Media.Height, alone.Media.NumFrames, alone.Media.NumSamples), (same.Width, same.Height, same.NumFrames, same.NumSamples));
            Assert.True(Bytes(alone.Media.Frames).SequenceEqual(Bytes(same.Frames)), "frames differ");
            Assert.True(Bytes(alone.Media.Samples).SequenceEqual(Bytes(same.Samples)), "samples differ");
        }

        return (alone.Media, simply is not null);
    }

    public Task<(DecodedMedia Media, bool ByLibraries)> DecodeAsync(string path) => DecodeAsync(new SourceItem { Id = Path.GetFileName(path), Path = path });

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private static ReadOnlySpan<byte> Bytes(Spool spool) => spool.Read(0, checked((int)spool.Length)).Span;
}
