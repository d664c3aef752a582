using System.Diagnostics;
using System.Globalization;
using Xkd.Ingest;

namespace Xkd.Bench;

/// <summary>The catalog of a made-up AudioSet: how long listing it takes, and what memory. The media are empty files, as a catalog does not look into them.</summary>
internal static class CatalogBenchmark
{
    private const int FilesPerFolder = 50_000;

    /// <param name="rows">Rows of the list.</param>
    /// <param name="files">Rows that have a file; the others are listed but absent.</param>
    /// <param name="output">Receives the line of the result.</param>
    public static async Task<int> RunAsync(int rows, int files, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("xkd-catalog-").FullName;
        try
        {
            await WriteAsync(folder, rows, files);
            long before = Environment.WorkingSet, start = Stopwatch.GetTimestamp();
            var listing = DatasetRegistry.Open("audioset", new CatalogOptions { Root = folder }).List();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            GC.Collect();
            var held = GC.GetTotalMemory(forceFullCollection: true);
            foreach (var note in listing.Notes)
            {
                await output.WriteLineAsync($"  {note}");
            }

            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{listing.Items.Count} items of {rows} rows and {files} files in {seconds:f1} s; {held >> 20} MiB held, {(Process.GetCurrentProcess().PeakWorkingSet64 - before) >> 20} MiB at most"));
            GC.KeepAlive(listing);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static async Task WriteAsync(string folder, int rows, int files)
    {
        await File.WriteAllLinesAsync(Path.Combine(folder, "class_labels_indices.csv"), Enumerable.Range(0, 527).Select(i => $"{i},/m/0{i:x}_z,\"Sound {i}, of a thing\"").Prepend("index,mid,display_name"));
        await using StreamWriter list = new(Path.Combine(folder, "unbalanced_train_segments.csv"));
        await list.WriteLineAsync("# YTID, start_seconds, end_seconds, positive_labels");
        for (var row = 0; row < rows; row++)
        {
            var video = $"-{(ulong)row * 2654435761 % 10_000_000_000:D10}";
            await list.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{video}, {row % 30 * 10}.000, {(row % 30 * 10) + 10}.000, \"/m/0{row % 527:x}_z,/m/0{row * 7 % 526:x}_z,/m/0{row * 13 % 525:x}_z\""));
            if (row < files)
            {
                var part = Path.Combine(folder, "train", $"part{row / FilesPerFolder:D2}");
                Directory.CreateDirectory(part);
                await File.WriteAllBytesAsync(Path.Combine(part, $"Y{video}.wav"), []);
            }
        }
    }
}
