namespace Xkd.Pipeline;

/// <summary>A drawn time warp: what came before <paramref name="Center"/> is resized to <paramref name="Warped"/> frames, the rest to what remains.</summary>
/// <param name="Center">First frame of the second part, 1 … frames - 1.</param>
/// <param name="Warped">Where it lands, 1 … frames - 1.</param>
public sealed record TimeWarp(int Center, int Warped);
