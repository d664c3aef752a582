using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What normalises a log-mel: the options' mean and deviation where given, otherwise the cache's own.</summary>
internal static class MelScale
{
    public static (double Mean, double Std) Of(IClipSource source, double? mean, double? std, bool audio)
    {
        var own = source.MelStatistics;
        if (audio && (mean is null || std is null) && !own.Any)
        {
            throw new UsageException(
                $"cache {source.Name} has no mel statistics: set the mel mean and standard deviation, such as -5.3688107 and 4.410007 of the released weights");
        }

        var deviation = std ?? own.Std;
        return audio && deviation <= 0
            ? throw new UsageException($"cache {source.Name} has a mel standard deviation of {deviation}: every clip is silent, or set the mean and deviation")
            : (mean ?? own.Mean, deviation);
    }
}
