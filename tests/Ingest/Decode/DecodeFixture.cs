namespace Xkd.Ingest.Tests;

/// <summary>A folder of media, and the ways to decode it, for all tests of a class: they run one after the other.</summary>
public sealed class DecodeFixture : IAsyncDisposable
{
    private readonly DecodePaths _both;
    private readonly DecodePaths _sound;

    public DecodeFixture()
    {
        _both = new DecodePaths(Media.Tools);
        _sound = new DecodePaths(Media.Tools, new DecodeOptions { Modalities = Modalities.Audio });
    }

    public MediaMaker Media { get; } = new();

    /// <summary>Frames and samples.</summary>
    internal DecodePaths Both => _both;

    /// <summary>Samples alone.</summary>
    internal DecodePaths Sound => _sound;

    public async ValueTask DisposeAsync()
    {
        await _both.DisposeAsync();
        await _sound.DisposeAsync();
        Media.Dispose();
    }
}
