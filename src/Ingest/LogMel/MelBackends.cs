using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The implementations of the log-mel by the names that <c>--mel</c> takes.</summary>
public static class MelBackends
{
    /// <summary>The project's own vectorised kernel.</summary>
    public const string Simd = "simd";

    /// <summary>NWaves, in builds with <c>-p:NWaves=true</c>.</summary>
    public const string NWaves = "nwaves";

    /// <summary>What this build has.</summary>
    public static IReadOnlyList<string> Names { get; } =
#if NWAVES
        [Simd, NWaves];
#else
        [Simd];
#endif

    /// <summary>Why a name cannot be used; null where it can.</summary>
    public static string? Error(string name) => Names.Contains(name) ? null
        : name == NWaves ? "--mel nwaves needs a build with -p:NWaves=true; use simd"
        : $"--mel {name} is unknown; use {string.Join(" or ", Names)}";

    /// <summary>Makes one.</summary>
    /// <exception cref="UsageException">This build has none of that name, or options it cannot do.</exception>
    public static ILogMel Create(string name, LogMelOptions options) => (Error(name), name) switch
    {
        ({ } error, _) => throw new UsageException(error),
#if NWAVES
        (_, NWaves) => new NWavesLogMel(options),
#endif
        _ => new SimdLogMel(options),
    };
}
