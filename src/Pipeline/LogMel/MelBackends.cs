using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The implementations of the log-mel by the names that <c>--mel</c> takes.</summary>
public static class MelBackends
{
    /// <summary>The project's own vectorised kernel.</summary>
    public const string Simd = "simd";

    /// <summary>NWaves, many times slower and for powers of two only: a second opinion.</summary>
    public const string NWaves = "nwaves";

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> Names { get; } = [Simd, NWaves];

    /// <summary>Why a name cannot be used; null where it can.</summary>
    public static string? Error(string name) => Names.Contains(name) ? null : $"--mel {name} is unknown; use {string.Join(" or ", Names)}";

    /// <summary>Makes one.</summary>
    /// <exception cref="UsageException">No such name, or options it cannot do.</exception>
    public static ILogMel Create(string name, LogMelOptions options) => name switch
    {
        Simd => new SimdLogMel(options),
        NWaves => new NWavesLogMel(options),
        _ => throw new UsageException(Error(name)!),
    };
}
