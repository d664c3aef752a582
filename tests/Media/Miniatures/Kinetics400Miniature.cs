namespace Xkd.Testing;

/// <summary>
/// Kinetics-400 as its downloaders leave it: <c>SPLIT/CLASS/YTID_SSSSSS_EEEEEE.{mp4,mkv,webm,avi}</c> and <c>annotations/{train,val,test}.csv</c>.
/// Class folders are spelled with blanks in train and with '_' in val; the test list has no labels, as it was first published.
/// </summary>
public static class Kinetics400Miniature
{
    private static readonly string[] Containers = [".mp4", ".mkv", ".webm", ".avi"];

    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "kinetics400")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        Build(builder, builder.Classes("playing guitar", "abseiling", "air drumming", "zumba", "bowling"), static _ => true);
        return builder.Done("kinetics400");
    }

    /// <param name="builder">Takes the files.</param>
    /// <param name="classes">The classes that have clips.</param>
    /// <param name="listed">Whether a catalog is to list a class.</param>
    internal static void Build(MiniatureBuilder builder, IReadOnlyList<string> classes, Func<string, bool> listed)
    {
        var number = 0;
        foreach (var split in new[] { "train", "val", "test" })
        {
            var lines = new List<string> { split == "test" ? "youtube_id,time_start,time_end,split" : "label,youtube_id,time_start,time_end,split,is_cc" };
            for (var c = 0; c < classes.Count; c++)
            {
                for (var k = 0; k < builder.Options.ClipsPerClass; k++, number++)
                {
                    var (video, start) = (MiniatureBuilder.VideoId(number), 10 * k);
                    var id = FormattableString.Invariant($"{video}_{start:D6}_{start + 10:D6}");
                    var folder = split switch { "train" => $"train/{classes[c]}/", "val" => $"val/{classes[c].Replace(' ', '_')}/", _ => "test/" };
                    var file = folder + id + Containers[k % Containers.Length];
                    builder.Media(file, [c]);
                    var line = FormattableString.Invariant($"{video},{start},{start + 10},{split}");
                    lines.Add(split == "test" ? line : $"{Quoted(classes[c])},{line},0");
                    if (split == "test" || listed(classes[c]))
                    {
                        builder.Clips.Add(new MiniatureClip(id, file, split == "test" ? [] : [classes[c]]) { Split = split });
                    }
                }
            }

            builder.Text($"annotations/{split}.csv", lines);
        }
    }

    // The official lists quote some names and not others.
    private static string Quoted(string label) => label.Length % 2 == 0 ? $"\"{label}\"" : label;
}
