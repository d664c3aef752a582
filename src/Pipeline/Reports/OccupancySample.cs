namespace Xkd.Pipeline;

/// <summary>How full a graph was over one interval of its run, by stage in the order of the flow.</summary>
/// <param name="Start">Seconds from the run's start to the interval's.</param>
/// <param name="End">Seconds from the run's start to the interval's end.</param>
/// <param name="Occupancy">Fill of the queue in front of each stage, 0 to 1, averaged over the interval.</param>
/// <param name="Busy">Share of each stage's workers at work, 0 to 1, averaged over the interval.</param>
public sealed record OccupancySample(double Start, double End, IReadOnlyList<double> Occupancy, IReadOnlyList<double> Busy);
