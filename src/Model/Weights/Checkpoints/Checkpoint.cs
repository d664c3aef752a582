using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>A checkpoint whose every file was verified; its tensors are read when asked for.</summary>
internal sealed class Checkpoint : IDisposable
{
    internal Checkpoint(string folder, CheckpointState state)
    {
        Folder = folder;
        State = state;
        Model = SafetensorsFile.Open(Path.Combine(folder, CheckpointStore.ModelFile));
        try
        {
            Optimizer = SafetensorsFile.Open(Path.Combine(folder, CheckpointStore.OptimizerFile));
        }
        catch
        {
            Model.Dispose();
            throw;
        }
    }

    /// <summary>Full path of <c>step-NNNNNNNN</c>.</summary>
    public string Folder { get; }

    public CheckpointState State { get; }

    /// <summary>The network's parameters and buffers.</summary>
    public SafetensorsFile Model { get; }

    /// <summary>The optimizer's moments.</summary>
    public SafetensorsFile Optimizer { get; }

    /// <summary>Refuses what a run begins with: it would be taken for something learned.</summary>
    /// <exception cref="Storage.UsageException">No step was done.</exception>
    internal void RequireTrained(string run)
    {
        if (State.Step == 0)
        {
            throw new Storage.UsageException($"{run} has no checkpoint yet but that of its start; train it further");
        }
    }

    public void Dispose()
    {
        Model.Dispose();
        Optimizer.Dispose();
    }
}

/// <summary>Everything besides tensors that resuming at a step needs: <c>state.json</c> of a checkpoint.</summary>
internal sealed record CheckpointState
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

    /// <summary>SHA-256 of every other file of the checkpoint by name; filled in when it is written.</summary>
    [JsonInclude]
    public IReadOnlyDictionary<string, string> Files { get; internal init; } = new Dictionary<string, string>();
}

/// <summary>Tells whether a checkpoint folder is whole.</summary>
internal static class CheckpointVerifier
{
    /// <summary>The folder's state, once every file it names is there with the hash it names.</summary>
    /// <exception cref="FailureException">It is not whole; the message says why, without the folder's name.</exception>
    /// <exception cref="UsageException">Another version of the program wrote it.</exception>
    public static CheckpointState Verify(string folder)
    {
        var state = WholeState(folder);
        foreach (var required in new[] { CheckpointStore.ModelFile, CheckpointStore.OptimizerFile })
        {
            if (!state.Files.ContainsKey(required))
            {
                throw new FailureException($"{CheckpointStore.StateFile} does not list {required}");
            }
        }

        foreach (var (name, expected) in state.Files)
        {
            Compare(folder, name, expected);
        }

        return state;
    }

    /// <summary>Makes sure of one of its files alone, so that a model may be passed on without its optimizer.</summary>
    /// <exception cref="FailureException">It is not as it was written.</exception>
    /// <exception cref="UsageException">Another version of the program wrote it.</exception>
    public static void RequireFile(string folder, string name) => Compare(
        folder, name, WholeState(folder).Files.TryGetValue(name, out var expected) ? expected : throw new FailureException($"{CheckpointStore.StateFile} does not list {name}"));

    private static CheckpointState WholeState(string folder)
    {
        var state = Read(folder);
        Compare(folder, CheckpointStore.StateFile, ExpectedStateHash(folder));
        return state;
    }

    private static void Compare(string folder, string name, string expected)
    {
        var actual = Hash(Path.Combine(folder, name), name);
        if (actual != expected)
        {
            throw new FailureException($"{name} has SHA-256 {actual[..12]}…, {expected[..Math.Min(12, expected.Length)]}… was written");
        }
    }

    private static string ExpectedStateHash(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, CheckpointStore.StateHashFile)).Split(' ')[0];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{CheckpointStore.StateHashFile} is absent or unreadable", e);
        }
    }

    /// <summary>The folder's state as it is written, without a look at the other files.</summary>
    /// <exception cref="FailureException">It cannot be read.</exception>
    /// <exception cref="UsageException">Another version of the program wrote it.</exception>
    public static CheckpointState Read(string folder)
    {
        try
        {
            var json = File.ReadAllBytes(Path.Combine(folder, CheckpointStore.StateFile));

            // The version alone first: a state of another layout need not parse as this one.
            using var document = JsonDocument.Parse(json);
            var version = document.RootElement.GetProperty("version").GetInt32();
            if (version != CheckpointState.CurrentVersion)
            {
                throw new UsageException(
                    $"{folder} is a checkpoint of state version {version}, this program reads version {CheckpointState.CurrentVersion}: resume with the version of xkd that wrote it.");
            }

            return JsonSerializer.Deserialize<CheckpointState>(json, CheckpointStore.Json) ?? throw new FailureException($"{CheckpointStore.StateFile} is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FailureException($"{CheckpointStore.StateFile} is unreadable ({e.Message})", e);
        }
    }

    private static string Hash(string path, string name)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException(e is FileNotFoundException ? $"{name} is absent" : $"{name} is unreadable ({e.Message})", e);
        }
    }
}
