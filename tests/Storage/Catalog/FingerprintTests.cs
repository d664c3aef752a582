using System.Text.Json;

namespace Xkd.Storage.Tests;

public sealed class FingerprintTests
{
    [Fact]
    public void Read_TextWithoutAFrameRule_IsOfTheRuleBeforeThereWasOne()
    {
        var old = JsonSerializer.Deserialize<Fingerprint>(
            """
            {"fps": 8, "short_side": 112, "sample_rate": 16000, "n_fft": 1024, "hop": 143, "mels": 80,
             "frames_codec": "raw", "audio_codec": "mel", "decoder": "ffmpeg 5.1"}
            """,
            StorageJson.Options)!;

        Assert.Equal(FrameRules.Nearest, old.FrameRule);
        Assert.Equal(["frame_rule nearest ≠ on_screen"], old.Differences(new Fingerprint { Decoder = "ffmpeg 5.1" }));
    }

    [Theory]
    [InlineData(FrameRules.OnScreen)]
    [InlineData(FrameRules.Nearest)]
    public void Read_WhatWasWritten_IsTheSame(string rule)
    {
        Fingerprint written = new() { FrameRule = rule, Decoder = "ffmpeg 7.1" };

        Assert.Equal(written, JsonSerializer.Deserialize<Fingerprint>(JsonSerializer.Serialize(written, StorageJson.Options), StorageJson.Options));
    }
}
