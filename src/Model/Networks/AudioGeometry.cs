using Xkd.Storage;

namespace Xkd.Model.Networks;

/// <summary>The native log-mel spectrogram of a network and its patches: 4×16 of 80×448 by default, 560 tokens.</summary>
public sealed record AudioGeometry
{
    /// <summary>Mel bands. Default 80.</summary>
    public int Mels { get; init; } = 80;

    /// <summary>Spectrogram frames of the native view. Default 448 (4 s at hop 143 and 16 kHz).</summary>
    public int Frames { get; init; } = 448;

    /// <summary>Mel bands of a patch. Default 4.</summary>
    public int PatchMels { get; init; } = 4;

    /// <summary>Spectrogram frames of a patch. Default 16.</summary>
    public int PatchFrames { get; init; } = 16;

    /// <summary>Values of one patch.</summary>
    public int PatchDim => PatchMels * PatchFrames;

    /// <summary>Tokens of the native view, the class token not counted.</summary>
    public int Tokens => Grid(Mels, Frames).Tokens;

    /// <summary>The patch grid of a spectrogram. Throws <see cref="UsageException"/> when it is not a whole number of patches.</summary>
    public AudioGrid Grid(long mels, long frames)
    {
        if (mels < PatchMels || mels % PatchMels != 0 || frames < PatchFrames || frames % PatchFrames != 0)
        {
            throw new UsageException($"a spectrogram of {mels}x{frames} is not a whole number of {PatchMels}x{PatchFrames} patches; "
                + "change the view's length or the patch size");
        }

        return new AudioGrid((int)mels / PatchMels, (int)frames / PatchFrames);
    }

    internal IEnumerable<string> Problems()
    {
        if (PatchMels < 1 || PatchFrames < 1)
        {
            yield return $"audio: patch {PatchMels}x{PatchFrames} must be at least 1x1";
        }
        else if (Mels < PatchMels || Mels % PatchMels != 0 || Frames < PatchFrames || Frames % PatchFrames != 0)
        {
            yield return $"audio: {Mels}x{Frames} is not a whole number of {PatchMels}x{PatchFrames} patches; choose multiples";
        }
    }
}

/// <summary>Patches along mel bands and time.</summary>
public readonly record struct AudioGrid(int Bands, int Time)
{
    public int Tokens => Bands * Time;
}
