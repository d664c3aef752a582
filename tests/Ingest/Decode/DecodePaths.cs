namespace Xkd.Ingest.Tests;

/// <summary>
/// The two ways a source is decoded: by the ffmpeg program, and by its libraries in a process that stays. The latter leave what they are not sure of to
/// the former; where they give something, it is the same.
/// </summary>
internal sealed class DecodePaths : IAsyncDisposable
{
    private readonly DecoderPool _pool;
    private readonly MediaDecoder _decoder;

    public DecodePaths(FfmpegTools tools, DecodeOptions? options = null)
    {
        options ??= new DecodeOptions();
        _pool = new DecoderPool(tools, options, TimeProvider.System);
        _decoder = new MediaDecoder(tools, options, TimeProvider.System);
    }

    /// <summary>Decodes both ways, and holds that they give the same bytes where the libraries give anything.</summary>
    /// <param name="item">The source.</param>
    /// <returns>What came out, and whether the libraries gave it too.</returns>
    public async Task<(DecodedMedia Media, bool ByLibraries)> DecodeAsync(SourceItem item)
    {
        var stop = TestContext.Current.CancellationToken;
        var alone = await _decoder.DecodeAsync(item, stop);
        Assert.True(alone.Media is not null, alone.Failure?.ToString());
        if (await _decoder.DecodeByLibrariesAsync(_pool, item, stop) is not { } outcome)
        {
            return (alone.Media, false);
        }

        Assert.True(outcome.Media is not null, outcome.Failure?.ToString());
        using var same = outcome.Media;
        Assert.Equal((alone.Media.Width, alone.Media.Height, alone.Media.NumFrames, alone.Media.NumSamples), (same.Width, same.Height, same.NumFrames, same.NumSamples));
        Assert.True(Bytes(alone.Media.Frames).SequenceEqual(Bytes(same.Frames)), "frames differ");
        Assert.True(Bytes(alone.Media.Samples).SequenceEqual(Bytes(same.Samples)), "samples differ");
        return (alone.Media, true);
    }

    public Task<(DecodedMedia Media, bool ByLibraries)> DecodeAsync(string path) => DecodeAsync(new SourceItem { Id = Path.GetFileName(path), Path = path });

    /// <summary>Holds that a source was, or was not, decoded by libraries too; skips the test where there are none.</summary>
    public void AssertByLibraries(bool expected, bool found)
    {
        if (expected)
        {
            Libraries.Require(_pool);
        }

        Assert.Equal(expected, found);
    }

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private static ReadOnlySpan<byte> Bytes(Spool spool) => spool.Read(0, checked((int)spool.Length)).Span;
}
