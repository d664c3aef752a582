using System.Threading.Channels;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Cli.Predictions;

/// <summary>Scores decoded files or a cache, and hands what comes of it to the file, the terminal or JSON.</summary>
internal sealed class PredictionRun(KeptClassifier classifier, PredictionOutput output, int batch, Terminal terminal) : IAsyncDisposable
{
    private const int MostFailuresShown = 20;
    private readonly ProgressLine _progress = new(terminal, "predict", TimeProvider.System, TimeSpan.FromSeconds(10));
    private readonly List<LedgerEntry> _failed = [];
    private PredictionFile? _file;
    private string? _path;

    /// <summary>Opens a file for all that follows.</summary>
    public async Task WriteToAsync(string path, double? threshold) =>
        (_path, _file) = (path, await PredictionFile.CreateAsync(path, classifier.Description.Classes, threshold).ConfigureAwait(false));

    /// <summary>Portion after portion, as they are decoded.</summary>
    public async Task FilesAsync(ChannelReader<DecodedClips> portions, int files, CancellationToken stop)
    {
        var before = 0;
        await foreach (var portion in portions.ReadAllAsync(stop).ConfigureAwait(false))
        {
            using (portion)
            {
                _failed.AddRange(portion.Failed);
                var done = before + portion.Failed.Count;
                await ScoreAsync(portion.Cache, () => _progress.Report(++done, files), stop).ConfigureAwait(false);
                before += portion.Files;
            }
        }
    }

    /// <summary>A whole cache.</summary>
    public async Task CacheAsync(Cache cache, CancellationToken stop)
    {
        var recordings = cache.Clips.Select(c => SegmentId.Split(c.Id).Item).Distinct(StringComparer.Ordinal).Count();
        await ScoreAsync(cache, () => _progress.Report(output.Recordings, recordings), stop).ConfigureAwait(false);
    }

    /// <summary>Completes the file and says what was found; gives the exit code.</summary>
    public async Task<int> FinishAsync()
    {
        if (_file is not null)
        {
            await _file.CommitAsync().ConfigureAwait(false);
        }

        output.Write(terminal);
        foreach (var failure in _failed.Take(MostFailuresShown))
        {
            terminal.Line($"failed {failure.Id}: {failure.Stage}/{failure.Reason}{(failure.Detail is null ? string.Empty : ": " + failure.Detail)}");
        }

        if (_failed.Count > MostFailuresShown)
        {
            terminal.Line($"… and {_failed.Count - MostFailuresShown} more failed; --json names all");
        }

        terminal.Result($"{output.Recordings} predicted, {_failed.Count} failed{(_path is null ? string.Empty : $": {_path}")}");
        if (terminal.Json)
        {
            Terminal.WriteJson(output.Json(_failed));
        }

        if (_path is not null)
        {
            terminal.Next(FileReading.Of(_path));
        }

        return _failed.Count > 0 ? ExitCodes.DoneWithFailures : ExitCodes.Done;
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is not null)
        {
            await _file.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ScoreAsync(Cache cache, Action done, CancellationToken stop)
    {
        await foreach (var prediction in ClipPredictor.PredictAsync(classifier, cache, batch, stop).ConfigureAwait(false))
        {
            output.Add(prediction);
            done();
            if (_file is not null)
            {
                await _file.AppendAsync(prediction).ConfigureAwait(false);
            }
        }
    }
}
