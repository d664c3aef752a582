using System.Globalization;
using System.Text;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Cli.Predictions;

/// <summary>A prediction file on its way: Parquet, or CSV with a column for each class.</summary>
internal sealed class PredictionFile : IAsyncDisposable
{
    private readonly PredictionFileWriter? _parquet;
    private readonly StreamWriter? _csv;
    private readonly string _path;
    private readonly IReadOnlyList<string> _classes;
    private readonly double? _threshold;

    private PredictionFile(string path, IReadOnlyList<string> classes, double? threshold, PredictionFileWriter? parquet)
    {
        (_path, _classes, _threshold, _parquet) = (path, classes, threshold, parquet);
        if (parquet is null)
        {
            _csv = new StreamWriter(path + ".tmp", append: false, new UTF8Encoding(false)) { NewLine = "\n" };
            _csv.WriteLine("id,item,label,predicted,score,start,end," + string.Join(',', classes.Select(Csv.Quoted)));
        }
    }

    /// <summary>Opens the file that an extension names.</summary>
    public static async Task<PredictionFile> CreateAsync(string path, IReadOnlyList<string> classes, double? threshold)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var parquet = Path.GetExtension(path) == ".parquet" ? await PredictionFileWriter.CreateAsync(path, classes).ConfigureAwait(false) : null;
        return new PredictionFile(path, classes, threshold, parquet);
    }

    /// <summary>The rows of a recording and its segments.</summary>
    public async Task AppendAsync(ClipPrediction prediction)
    {
        foreach (var row in prediction.Rows(_classes, _threshold))
        {
            if (_parquet is not null)
            {
                await _parquet.AppendAsync(row).ConfigureAwait(false);
                continue;
            }

            IEnumerable<string> texts = [row.Id, row.Item, row.Label ?? "", row.Predicted];
            IEnumerable<float> numbers = [row.Score, (float)row.Start, (float)row.End, .. row.Scores];
            await _csv!.WriteLineAsync(string.Join(',', texts.Select(Csv.Quoted).Concat(numbers.Select(n => n.ToString(CultureInfo.InvariantCulture))))).ConfigureAwait(false);
        }
    }

    /// <summary>Completes the file and gives it its name.</summary>
    public async Task CommitAsync()
    {
        if (_parquet is not null)
        {
            await _parquet.CommitAsync().ConfigureAwait(false);
            return;
        }

        await _csv!.DisposeAsync().ConfigureAwait(false);
        File.Move(_path + ".tmp", _path, overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_parquet is not null)
        {
            await _parquet.DisposeAsync().ConfigureAwait(false);
            return;
        }

        await _csv!.DisposeAsync().ConfigureAwait(false);
        File.Delete(_path + ".tmp");
    }
}
