using Xkd.Storage;

namespace Xkd.Model.Optimization;

/// <summary>A teacher temperature per epoch: a linear warm-up that includes both its ends, then constant.</summary>
public sealed class TemperatureSchedule
{
    private readonly double start;
    private readonly double final;
    private readonly int warmupEpochs;

    /// <param name="start">Temperature of the first epoch.</param>
    /// <param name="final">Temperature after the warm-up.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; the reference needs at least as many <paramref name="epochs"/>.</param>
    /// <param name="epochs">Epochs in all.</param>
    public TemperatureSchedule(double start, double final, int warmupEpochs, int epochs)
    {
        if (warmupEpochs < 0 || epochs < 1 || warmupEpochs > epochs)
        {
            throw new UsageException($"temperature: {warmupEpochs} warm-up epochs of {epochs} epochs; the warm-up must fit into the run (lower temperature_warmup_epochs or raise epochs)");
        }

        (this.start, this.final, this.warmupEpochs, Epochs) = (start, final, warmupEpochs, epochs);
    }

    /// <summary>Epochs in all.</summary>
    public int Epochs { get; }

    /// <summary>The temperature in an epoch, counted from 0.</summary>
    public double At(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(epoch, Epochs);
        return epoch >= warmupEpochs || (epoch == warmupEpochs - 1 && warmupEpochs > 1)
            ? final
            : start + epoch * ((final - start) / Math.Max(1, warmupEpochs - 1));
    }
}
