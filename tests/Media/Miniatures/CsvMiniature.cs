namespace Xkd.Testing;

/// <summary>A list of one's own: <c>dataset.csv</c> with the columns path, label, split, fold, start and end, beside its media.</summary>
public static class CsvMiniature
{
    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "csv")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var classes = builder.Classes("one, two", "drei", "quatre", "five", "sei");
        List<string> lines = ["path,label,split,start,end"];
        for (var c = 0; c < classes.Length; c++)
        {
            for (var k = 0; k < builder.Options.ClipsPerClass; k++)
            {
                // Every fourth is a stretch of a longer file.
                var (file, split, stretch) = ($"media/{c}/clip {k}.mp4", k % 2 == 0 ? "train" : "val", k % 4 == 3);
                builder.Media(file, [c], seconds: stretch ? builder.Options.Seconds + 3 : null);
                lines.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{file},\"{classes[c]}\",{split},{(stretch ? "1" : "")},{(stretch ? 1 + builder.Options.Seconds : "")}"));
                builder.Clips.Add(new MiniatureClip(stretch ? file + "@1000" : file, file, classes[c]) { Split = split, Start = stretch ? 1 : null });
            }
        }

        builder.Text("dataset.csv", lines);
        return builder.Done("csv");
    }
}
