using Xkd.Pipeline;

namespace Xkd.Model.Augment;

/// <summary>Sizes and normalisation of the views that a <see cref="BatchAugmenter"/> makes.</summary>
internal sealed record BatchAugmenterOptions
{
    /// <summary>Height and width of the global video view, pixels.</summary>
    public required int GlobalSize { get; init; }

    /// <summary>Height and width of local video views, pixels.</summary>
    public required int LocalSize { get; init; }

    /// <summary>Channel means of a frame, values in [0, 1].</summary>
    public required IReadOnlyList<float> FrameMean { get; init; }

    /// <summary>Channel standard deviations of a frame.</summary>
    public required IReadOnlyList<float> FrameStd { get; init; }

    /// <summary>Mean of the log-mel.</summary>
    public required double MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel.</summary>
    public required double MelStd { get; init; }

    /// <summary>The epsilon inside the cached logarithm.</summary>
    public required double LogEpsilon { get; init; }

    /// <summary>What fits a feed whose augmentation is deferred.</summary>
    public static BatchAugmenterOptions Of(FeedOptions feed, double melMean, double melStd) => new()
    {
        GlobalSize = feed.FrameSize,
        LocalSize = feed.LocalFrameSize,
        FrameMean = feed.Augmentation!.FrameMean,
        FrameStd = feed.Augmentation.FrameStd,
        MelMean = melMean,
        MelStd = melStd,
        LogEpsilon = feed.Mel.LogEpsilon,
    };
}
