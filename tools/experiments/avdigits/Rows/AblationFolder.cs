namespace Xkd.Experiments.AvDigits;

/// <summary>Where an ablation keeps what: caches, a folder per row and seed, the table and the page.</summary>
internal sealed record AblationFolder(string Path)
{
    public string TrainCache => System.IO.Path.Combine(Path, "cache", "train");

    public string ValidationCache => System.IO.Path.Combine(Path, "cache", "val");

    public string Table => System.IO.Path.Combine(Path, "table.md");

    public string Page => System.IO.Path.Combine(Path, "report.html");

    /// <summary>Run, probes and features of one row with one seed.</summary>
    public string Row(AblationRow row, long seed) => System.IO.Path.Combine(Path, "rows", row.Name, $"seed-{seed}");

    public string Run(AblationRow row, long seed) => System.IO.Path.Combine(Row(row, seed), "run");

    public string Result(AblationRow row, long seed) => System.IO.Path.Combine(Row(row, seed), "result.json");

    /// <summary>Features of the validation clips, for the page's maps.</summary>
    public string Features(AblationRow row, long seed, string modality) => System.IO.Path.Combine(Row(row, seed), $"{modality}.parquet");

    /// <summary>Every finished row with any seed, in the order of the table.</summary>
    public IReadOnlyList<(AblationRow Row, IReadOnlyList<RowResult> Seeds)> Results() =>
    [
        .. AblationRow.All
            .Select(row => (row, Seeds: (IReadOnlyList<RowResult>)[.. Seeds(row).Select(seed => RowResult.Read(Result(row, seed))).OfType<RowResult>()]))
            .Where(r => r.Seeds.Count > 0),
    ];

    private IEnumerable<long> Seeds(AblationRow row)
    {
        var folder = System.IO.Path.Combine(Path, "rows", row.Name);
        return Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder, "seed-*").Select(f => long.TryParse(System.IO.Path.GetFileName(f)["seed-".Length..], out var seed) ? seed : -1).Where(s => s >= 0).Order()
            : [];
    }
}
