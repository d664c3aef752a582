namespace Xkd.Testing;

/// <summary>
/// FSD50K: <c>FSD50K.{dev,eval}_audio/NUMBER.wav</c> and <c>FSD50K.ground_truth/{dev,eval,vocabulary}.csv</c>, the last without a header. Each clip has
/// its class and the one above all.
/// </summary>
public static class Fsd50kMiniature
{
    private const string Shared = "Sounds_of_things";
    private static readonly string[] Names = ["Electric_guitar", "Bark", "Accelerating_and_revving_and_vroom", "Chink_and_clink", "Zipper_(clothing)"];

    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "fsd50k")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var classes = builder.Classes(Names);
        var number = 64760;
        List<string> dev = ["fname,labels,mids,split"], eval = ["fname,labels,mids"];
        foreach (var split in new[] { "train", "val", "eval" })
        {
            for (var c = 0; c < classes.Length; c++)
            {
                for (var k = 0; k < builder.Options.ClipsPerClass; k++, number += 7)
                {
                    var file = $"FSD50K.{(split == "eval" ? "eval" : "dev")}_audio/{number}.wav";
                    builder.Media(file, [c, builder.Options.Classes]);
                    builder.Clips.Add(new MiniatureClip(file, file, classes[c], Shared) { Split = split });
                    var line = $"{number},\"{classes[c]},{Shared}\",\"{Mid(c)},{Mid(Names.Length)}\"";
                    (split == "eval" ? eval : dev).Add(split == "eval" ? line : $"{line},{split}");
                }
            }
        }

        builder.Text("FSD50K.ground_truth/dev.csv", dev);
        builder.Text("FSD50K.ground_truth/eval.csv", eval);
        builder.Text("FSD50K.ground_truth/vocabulary.csv", [.. classes.Select(static (name, i) => $"{i},{name},{Mid(i)}"), $"{classes.Length},{Shared},{Mid(Names.Length)}"]);
        return builder.Done("fsd50k");
    }

    private static string Mid(int index) => $"/m/0f{index}x";
}
