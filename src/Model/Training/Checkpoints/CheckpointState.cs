using System.Text.Json.Serialization;

namespace Xkd.Model.Training;

/// <summary>Everything besides tensors that resuming at a step needs: <c>state.json</c> of a checkpoint.</summary>
public sealed record CheckpointState
{
    /// <summary>Layout this program writes and reads.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Layout of this state; another one is refused with both values.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Optimizer steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Epoch the next step belongs to, from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>Position of the next clip in that epoch's order.</summary>
    public required long Position { get; init; }

    /// <summary>Version of the cache manifest the run is pinned to.</summary>
    public required int ManifestVersion { get; init; }

    /// <summary>Seed every draw of the run derives from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Effective configuration, as YAML.</summary>
    public required string Config { get; init; }

    /// <summary>SHA-256 of <see cref="Config"/>, lower-case hexadecimal.</summary>
    public required string ConfigHash { get; init; }

    /// <summary>Version of the program that wrote it.</summary>
    public required string CodeVersion { get; init; }

    /// <summary>
    /// Under the skip policy: places of the epoch's tail that already stand in for damaged rows, of all ranks, ascending. Empty at an epoch's start.
    /// </summary>
    public IReadOnlyList<int> TailUsed { get; init; } = [];

    /// <summary>Damaged rows left out since the run began.</summary>
    public long Skipped { get; init; }

    /// <summary>States of random generators by name, for what does not derive from <see cref="Seed"/>.</summary>
    public IReadOnlyDictionary<string, byte[]> Random { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>Further numbers the trainer keeps (a step counter by parameter, the best score so far).</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; init; } = new Dictionary<string, double>();

    /// <summary>SHA-256 of every other file of the checkpoint by name; filled in when it is written.</summary>
    [JsonInclude]
    public IReadOnlyDictionary<string, string> Files { get; internal init; } = new Dictionary<string, string>();
}
