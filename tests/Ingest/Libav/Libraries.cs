namespace Xkd.Ingest.Tests;

/// <summary>Whether ffmpeg's libraries can be used here: what only they can show is skipped, aloud, where they cannot.</summary>
internal static class Libraries
{
    public static async Task RequireAsync(FfmpegTools tools)
    {
        await using var pool = new DecoderPool(tools, new DecodeOptions(), TimeProvider.System);
        await pool.TryAsync(TestContext.Current.CancellationToken);
        Require(pool);
    }

    /// <param name="pool">One that was tried.</param>
    public static void Require(DecoderPool pool) => Assert.SkipWhen(pool.Unusable is not null, $"NO LIBRARIES OF FFMPEG: {pool.Unusable}");
}
