using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Checks the options as a whole: every error is named at once.</summary>
internal static class IngestValidator
{
    public static void Validate(IngestOptions options)
    {
        var errors = new List<string>();
        void Check(bool good, string error)
        {
            if (!good)
            {
                errors.Add(error);
            }
        }

        Check(!string.IsNullOrWhiteSpace(options.Out), "--out is missing; name the cache folder");
        Check(options.Frames is FrameCodecs.Raw or FrameCodecs.Jpeg, $"--frames {options.Frames} is unknown; use raw or jpeg");
        Check(options.Audio is AudioCodecs.Mel or AudioCodecs.Pcm, $"--audio {options.Audio} is unknown; use mel or pcm");
        Check(MelBackends.Error(options.Mel) is null, MelBackends.Error(options.Mel) ?? "");
        Check(options.ShortSide is >= 16 and <= 4096, $"--short-side {options.ShortSide} is outside 16 to 4096 pixels");
        Check(options.Fps is > 0 and <= 240, $"--fps {options.Fps} is outside 0 to 240");
        Check(options.MaxClip >= 1 && double.IsFinite(options.MaxClip), $"--max-clip {options.MaxClip} is below 1 second");
        Check(options.ItemTimeout > 0 && options.ItemTimeout < TimeSpan.FromDays(30).TotalSeconds, $"--item-timeout {options.ItemTimeout} must be a positive number of seconds");
        Check(options.MaxPixels is >= 1 and <= int.MaxValue, $"--max-pixels {options.MaxPixels} is outside 1 to {int.MaxValue}");
        Check(options.MaxAspect is >= 1 and <= 10_000, $"--max-aspect {options.MaxAspect} is outside 1 to 10000");
        Check(options.MaxDecoded >= 1 << 20, $"--max-decoded {options.MaxDecoded} bytes is below 1 MiB");
        Check(options.Workers >= 0, $"--workers {options.Workers} is negative; 0 is one per core");
        Check(options.MemoryBudget is null or >= 16L << 20, $"--memory-budget {options.MemoryBudget} bytes is below 16 MiB");
        Check(options.Partitions >= 1 && options.Partition >= 1 && options.Partition <= options.Partitions, $"--partition {options.Partition}/{options.Partitions} is not i/n with 1 <= i <= n");
        if (errors.Count > 0)
        {
            throw new UsageException(string.Join("; ", errors) + ".");
        }
    }
}
