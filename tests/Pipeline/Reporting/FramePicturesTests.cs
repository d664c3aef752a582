namespace Xkd.Pipeline.Tests;

public sealed class FramePicturesTests
{
    [Fact]
    public void Attended_OneHighCell_IsBrightAndRedThereAndDarkElsewhere()
    {
        byte[] gray = [.. Enumerable.Repeat((byte)100, 8 * 4 * 3)];
        var seen = FramePictures.Attended(gray, width: 8, height: 4, [0, 0, 0, 0, 1, 0, 0, 0], rows: 2, columns: 4, low: 0, high: 1); // the second row's first cell
        for (var y = 0; y < 4; y++)
        {
            for (var x = 0; x < 8; x++)
            {
                byte[] expected = y >= 2 && x < 2 ? [190, 100, 100] : [35, 35, 35];
                Assert.Equal(expected, seen.AsSpan(((y * 8) + x) * 3, 3).ToArray());
            }
        }
    }

    [Fact]
    public void SpectrogramPixels_OneLoudBand_IsDrawnFromTheBottom()
    {
        float[] mel = [.. Enumerable.Range(0, 4 * 5).Select(i => i / 5 == 0 ? 1f : 0)]; // the lowest of four bands
        var pixels = FramePictures.SpectrogramPixels(mel, 4, 5);
        Assert.Equal([255, 255, 240], pixels[^3..]);
        Assert.Equal([12, 10, 60], pixels[..3]);
    }
}
