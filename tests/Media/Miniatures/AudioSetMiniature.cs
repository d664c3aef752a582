using System.Globalization;

namespace Xkd.Testing;

/// <summary>
/// AudioSet: <c>{balanced_train,unbalanced_train,eval}_segments.csv</c> with their comments, <c>class_labels_indices.csv</c>, <c>ontology.json</c>, and media
/// in a folder for each list, named in every usual way in turn. Each clip has its class and one that it shares with all others.
/// </summary>
public static class AudioSetMiniature
{
    private const string Shared = "Sound effect";
    private const string SharedMid = "/m/07qcpgn";
    private static readonly (string Mid, string Name)[] Known =
        [("/m/09x0r", "Speech"), ("/m/05zppz", "Male speech, man speaking"), ("/m/0bt9lr", "Dog"), ("/m/042v_gx", "Acoustic guitar"), ("/t/dd00125", "Inside, small room")];

    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "audioset")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var names = builder.Classes([.. Known.Select(static k => k.Name)]);
        var number = 0;
        foreach (var split in new[] { "balanced_train", "unbalanced_train", "eval" })
        {
            List<string> lines = ["# Segments csv created Sun Mar  5 10:54:25 2017", "", "# YTID, start_seconds, end_seconds, positive_labels"];
            for (var c = 0; c < names.Length; c++)
            {
                for (var k = 0; k < builder.Options.ClipsPerClass; k++, number++)
                {
                    lines.Add(Segment(builder, split, c, number));
                }
            }

            lines[1] = FormattableString.Invariant($"# num_ytids={lines.Count - 3}, num_segs={lines.Count - 3}, num_unique_labels={names.Length + 1}, num_positive_labels={2 * (lines.Count - 3)}");
            builder.Text($"{split}_segments.csv", lines);
        }

        var labels = Known[..names.Length].Append((Mid: SharedMid, Name: Shared)).ToArray();
        builder.Text("class_labels_indices.csv", labels.Select(static (label, i) => FormattableString.Invariant($"{i},{label.Mid},\"{label.Name}\"")).Prepend("index,mid,display_name"));
        var entries = labels.Select(static label => $$"""  { "id": "{{label.Mid}}", "name": "{{label.Name}}", "child_ids": [], "restrictions": [] }""");
        builder.Text("ontology.json", ["[", string.Join(",\n", entries), "]"]);
        return builder.Done("audioset");
    }

    private static string Segment(MiniatureBuilder builder, string split, int c, int number)
    {
        var (video, start, length) = (MiniatureBuilder.VideoId(number), number % 3 * 30, builder.Options.Seconds);
        var milliseconds = start * 1000;
        var (stem, extension, whole) = (number % 8) switch
        {
            0 => ($"{video}_{milliseconds}", ".mp4", false),
            1 => ($"{video}_{start}", ".mkv", false),
            2 => ($"Y{video}", ".mp4", false),
            3 => (FormattableString.Invariant($"{video}_{start}_{start + length}"), ".webm", false),
            4 => (FormattableString.Invariant($"{video}_{milliseconds}_{milliseconds + (length * 1000)}"), ".mp4", false),
            5 => (video, ".mp4", true), // the whole video, of which the segment is a stretch
            6 => (FormattableString.Invariant($"{video}_{start:F3}"), ".mp4", false),
            _ => (FormattableString.Invariant($"{video}_{start:D6}"), ".mp4", false),
        };
        start = whole ? 1 : start;
        var file = $"{split}/{stem}{extension}";
        builder.Media(file, [c, builder.Options.Classes], seconds: whole ? length + 3 : null);
        builder.Clips.Add(new MiniatureClip($"{video}_{start * 1000}", file, Known[c].Name, Shared) { Split = split, Start = whole ? start : null });
        return string.Create(CultureInfo.InvariantCulture, $"{video}, {start:F3}, {start + length:F3}, \"{Known[c].Mid},{SharedMid}\"");
    }
}
