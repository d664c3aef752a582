using System.Security.Cryptography;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Training;

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
                throw new FailureException($"{CheckpointStore.StateFile} does not list {required}");
        }

        foreach (var (name, expected) in state.Files)
            Compare(folder, name, expected);

        return state;
    }

    /// <summary>Makes sure of one of its files alone, so that a model may be passed on without its optimizer.</summary>
    /// <exception cref="FailureException">It is not as it was written.</exception>
    /// <exception cref="UsageException">Another version of the program wrote it.</exception>
    public static void RequireFile(string folder, string name) => Compare(
        folder, name, WholeState(folder).Files.TryGetValue(name, out var expected) ? expected : throw new FailureException($"{CheckpointStore.StateFile} does not list {name}"));

    private static CheckpointState WholeState(string folder)
    {
        var state = ReadState(folder);
        Compare(folder, CheckpointStore.StateFile, ExpectedStateHash(folder));
        return state;
    }

    private static void Compare(string folder, string name, string expected)
    {
        var actual = Hash(Path.Combine(folder, name), name);
        if (actual != expected)
            throw new FailureException($"{name} has SHA-256 {actual[..12]}…, {expected[..Math.Min(12, expected.Length)]}… was written");
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

    private static CheckpointState ReadState(string folder)
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
