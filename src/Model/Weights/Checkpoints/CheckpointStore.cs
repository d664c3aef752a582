using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>
/// The checkpoints of one run: <c>checkpoints/step-NNNNNNNN/{model.safetensors, optimizer.safetensors, state.json, state.sha256}</c>. A folder of that name is whole: it is written under
/// another name, hashed, synced and renamed, so a crash at any instant leaves the last one usable. One process writes (rank 0); any number read.
/// </summary>
internal sealed class CheckpointStore
{
    public const string ModelFile = "model.safetensors";
    public const string OptimizerFile = "optimizer.safetensors";
    public const string StateFile = "state.json";

    /// <summary>Hash of <see cref="StateFile"/>, in the form <c>sha256sum -c</c> checks.</summary>
    public const string StateHashFile = "state.sha256";

    private const string Prefix = "step-";

    // Everything that is not a checkpoint starts with this: being written, or being deleted. Left over after a crash, it goes at the next write.
    private const string Scratch = ".scratch-";

    internal static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        RespectNullableAnnotations = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly CheckpointStoreOptions _options;
    private readonly ICheckpointFiles _files;
    private readonly Action<string> _warn;

    /// <param name="runFolder">The run's folder; created at the first write.</param>
    /// <param name="options">What is kept; null for the defaults.</param>
    /// <param name="warn">Receives one line for each broken checkpoint passed over and each old one that could not be deleted; null writes them to standard error.</param>
    public CheckpointStore(string runFolder, CheckpointStoreOptions? options = null, Action<string>? warn = null)
        : this(runFolder, options, warn, new CheckpointFiles())
    {
    }

    internal CheckpointStore(string runFolder, CheckpointStoreOptions? options, Action<string>? warn, ICheckpointFiles files)
    {
        _options = options ?? new CheckpointStoreOptions();
        if (_options.Keep < 1 || _options.KeepEvery < 0)
        {
            throw new UsageException($"a run keeps at least 1 checkpoint and every Nth step with N ≥ 0 (0 for none), not {_options.Keep} and {_options.KeepEvery}");
        }

        _warn = warn ?? Console.Error.WriteLine;
        _files = files;
        Folder = Path.GetFullPath(Path.Combine(runFolder, "checkpoints"));
    }

    /// <summary>Full path of the run's <c>checkpoints</c> folder.</summary>
    public string Folder { get; }

    /// <summary>Steps that have a checkpoint, newest first. None is opened or verified.</summary>
    public IReadOnlyList<long> Steps() => !Directory.Exists(Folder) ? [] :
    [
        .. Directory.EnumerateDirectories(Folder, Prefix + "*")
            .Select(folder => long.TryParse(Path.GetFileName(folder)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1)
            .Where(step => step >= 0)
            .OrderDescending(),
    ];

    /// <summary>Full path of the checkpoint of a step, whether it exists or not.</summary>
    public string PathOf(long step) => Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}"));

    /// <summary>
    /// Writes a checkpoint and deletes those no longer kept. A whole one of the same step is left as it is, a broken one replaced.
    /// </summary>
    /// <param name="state">The state at <see cref="CheckpointState.Step"/>; its list of files is filled in here.</param>
    /// <param name="model">The network's parameters and buffers.</param>
    /// <param name="optimizer">The optimizer's moments.</param>
    /// <returns>Full path of the checkpoint.</returns>
    /// <exception cref="FullDiskException">There is no room; earlier checkpoints are as they were.</exception>
    /// <exception cref="FailureException">The disk refused otherwise; earlier checkpoints are as they were.</exception>
    public string Write(CheckpointState state, IReadOnlyList<WeightTensor> model, IReadOnlyList<WeightTensor> optimizer)
    {
        var final = PathOf(state.Step);
        var scratch = Path.Combine(Folder, $"{Scratch}{Path.GetFileName(final)}-{Guid.NewGuid():N}");
        try
        {
            DeleteLeftovers();
            if (IsThere(final, state))
            {
                return final;
            }

            _files.CreateFolder(scratch);
            var hashes = new Dictionary<string, string>
            {
                [ModelFile] = WriteFile(Path.Combine(scratch, ModelFile), stream => SafetensorsWriter.Write(stream, model)),
                [OptimizerFile] = WriteFile(Path.Combine(scratch, OptimizerFile), stream => SafetensorsWriter.Write(stream, optimizer)),
            };
            var stateHash = WriteFile(Path.Combine(scratch, StateFile), stream => JsonSerializer.Serialize(stream, state with { Files = hashes }, Json));
            WriteFile(Path.Combine(scratch, StateHashFile), stream => stream.Write(Encoding.ASCII.GetBytes($"{stateHash}  {StateFile}\n")));
            _files.SyncFolder(scratch);
            _files.MoveFolder(scratch, final);
            _files.SyncFolder(Folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Try(scratch, "the unfinished checkpoint", () => DeleteIfThere(scratch));
            var message = $"the checkpoint of step {state.Step} cannot be written to {Folder}: {e.Message}. Earlier checkpoints are untouched; make room and resume.";
            throw FullDiskException.IsCause(e) ? new FullDiskException(message, e) : new FailureException(message, e);
        }

        Prune();
        return final;
    }

    /// <summary>
    /// Opens the newest whole checkpoint. A broken one is reported and passed over.
    /// </summary>
    /// <returns>Null where the run has no checkpoint at all.</returns>
    /// <exception cref="FailureException">There are checkpoints and all are broken; the message says why for each.</exception>
    /// <exception cref="UsageException">The newest was written by another version of the program.</exception>
    public Checkpoint? OpenLatest()
    {
        List<string> broken = [];
        foreach (var step in Steps())
        {
            var folder = PathOf(step);
            try
            {
                var checkpoint = new Checkpoint(folder, CheckpointVerifier.Verify(folder));
                if (broken.Count > 0)
                {
                    _warn($"falling back to the checkpoint of step {step}: the work since then is lost");
                }

                return checkpoint;
            }
            catch (FailureException e)
            {
                _warn($"checkpoint {folder} is broken: {e.Message}");
                broken.Add($"{Path.GetFileName(folder)}: {e.Message}");
            }
        }

        return broken.Count == 0 ? null : throw new FailureException($"no checkpoint in {Folder} is whole: {string.Join("; ", broken)}. Start the run anew in another folder.");
    }

    private string WriteFile(string path, Action<Stream> write)
    {
        using var file = _files.CreateFile(path);
        using var hashing = new HashingStream(file);
        write(hashing);
        _files.Sync(file);
        return hashing.Finish();
    }

    // A stop signal may ask for a checkpoint right after the periodic one of the same step.
    private bool IsThere(string final, CheckpointState state)
    {
        if (!Directory.Exists(final))
        {
            return false;
        }

        try
        {
            var there = CheckpointVerifier.Verify(final);
            return there.ConfigHash == state.ConfigHash && there.Seed == state.Seed && there.ManifestVersion == state.ManifestVersion
                ? true
                : throw new UsageException($"{final} belongs to another run (configuration, seed or manifest differ): give this run a folder of its own.");
        }
        catch (FailureException e)
        {
            _warn($"checkpoint {final} is broken and will be replaced: {e.Message}");
            Discard(final);
            return false;
        }
    }

    private void Prune()
    {
        foreach (var step in Steps().Skip(_options.Keep).Where(step => step == 0 || _options.KeepEvery == 0 || step % _options.KeepEvery != 0))
        {
            Try(PathOf(step), "the old checkpoint", () => Discard(PathOf(step)));
        }
    }

    // Renamed first: a kill in the middle of deleting must not leave half a checkpoint under a checkpoint's name.
    private void Discard(string folder)
    {
        var scratch = Path.Combine(Folder, $"{Scratch}{Path.GetFileName(folder)}-{Guid.NewGuid():N}");
        _files.MoveFolder(folder, scratch);
        _files.DeleteFolder(scratch);
    }

    private void DeleteLeftovers()
    {
        if (!Directory.Exists(Folder))
        {
            _files.CreateFolder(Folder);
            return;
        }

        foreach (var leftover in Directory.GetDirectories(Folder, Scratch + "*"))
        {
            Try(leftover, "what an earlier write left", () => _files.DeleteFolder(leftover));
        }
    }

    private void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            _files.DeleteFolder(folder);
        }
    }

    // Tidying is no reason to stop a run of days.
    private void Try(string path, string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _warn($"{what} {path} cannot be deleted: {e.Message}");
        }
    }
}

/// <summary>Which checkpoints a run keeps.</summary>
internal sealed record CheckpointStoreOptions
{
    /// <summary>Newest checkpoints kept. Default 2: one may turn out broken. At least 1.</summary>
    public int Keep { get; init; } = 2;

    /// <summary>Besides those, every checkpoint whose step is a multiple of this is kept for good, in optimizer steps. Default 0: none.</summary>
    public long KeepEvery { get; init; }
}

/// <summary>Passes what is written on and hashes it on the way, so that a checkpoint of gigabytes is not read again to be hashed.</summary>
internal sealed class HashingStream(Stream inner) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>SHA-256 of everything written, lower-case hexadecimal. To be asked once, at the end.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        _hash.AppendData(buffer);
    }

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }
}
