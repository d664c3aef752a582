using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>The native video clip of a network and the cuboids it is cut into: 4×16×16 of 32×112×112 by default, 392 tokens.</summary>
public sealed record VideoGeometry
{
    /// <summary>Colour channels. Default 3.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Frames of the native clip. Default 32.</summary>
    public int Frames { get; init; } = 32;

    /// <summary>Height of the native clip in pixels. Default 112.</summary>
    public int Height { get; init; } = 112;

    /// <summary>Width of the native clip in pixels. Default 112.</summary>
    public int Width { get; init; } = 112;

    /// <summary>Frames of a cuboid. Default 4.</summary>
    public int PatchFrames { get; init; } = 4;

    /// <summary>Height of a cuboid in pixels. Default 16.</summary>
    public int PatchHeight { get; init; } = 16;

    /// <summary>Width of a cuboid in pixels. Default 16.</summary>
    public int PatchWidth { get; init; } = 16;

    /// <summary>Values of one cuboid.</summary>
    public int PatchDim => PatchFrames * PatchHeight * PatchWidth * Channels;

    /// <summary>Tokens of the native clip, the class token not counted.</summary>
    public int Tokens => Grid(Frames, Height, Width).Tokens;

    /// <summary>The cuboid grid of a clip. Throws <see cref="UsageException"/> when the clip is not a whole number of cuboids.</summary>
    public VideoGrid Grid(long frames, long height, long width)
    {
        if (frames < PatchFrames || frames % PatchFrames != 0 || height % PatchHeight != 0 || width % PatchWidth != 0)
        {
            throw new UsageException($"a clip of {frames}x{height}x{width} is not a whole number of {PatchFrames}x{PatchHeight}x{PatchWidth} cuboids; "
                + "change the view's size or the patch size");
        }

        return new VideoGrid((int)frames / PatchFrames, (int)height / PatchHeight, (int)width / PatchWidth);
    }
}

/// <summary>Cuboids along time, height and width.</summary>
public readonly record struct VideoGrid(int Time, int Rows, int Columns)
{
    public int Tokens => Time * Rows * Columns;
}

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
}

/// <summary>Patches along mel bands and time.</summary>
public readonly record struct AudioGrid(int Bands, int Time)
{
    public int Tokens => Bands * Time;
}
