namespace Xkd.Testing;

/// <summary>
/// UCF101: <c>UCF-101/CLASS/v_CLASS_gGG_cCC.avi</c> and <c>ucfTrainTestlist/{classInd,trainlist01…03,testlist01…03}.txt</c>. In fold f the f-th clip of
/// three is a test clip.
/// </summary>
public static class Ucf101Miniature
{
    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "ucf101")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var classes = builder.Classes("ApplyEyeMakeup", "ApplyLipstick", "Archery", "HandstandPushups", "YoYo");
        var lists = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        for (var c = 0; c < classes.Length; c++)
        {
            for (var k = 0; k < builder.Options.ClipsPerClass; k++)
            {
                // The dataset's own slip of the shift key.
                var listed = FormattableString.Invariant($"{classes[c]}/v_{classes[c].Replace("Handstand", "HandStand")}_g{k + 1:D2}_c01.avi");
                builder.Media("UCF-101/" + listed, [c], silent: k % 2 == 1);
                var folds = Enumerable.Range(1, 3).Select(f => k % 3 == f - 1 ? $"{f}:test" : $"{f}:train").ToArray();
                builder.Clips.Add(new MiniatureClip("UCF-101/" + listed, "UCF-101/" + listed, classes[c]) { Folds = folds });
                for (var f = 1; f <= 3; f++)
                {
                    var test = folds[f - 1].EndsWith("test", StringComparison.Ordinal);
                    var name = test ? $"testlist0{f}.txt" : $"trainlist0{f}.txt";
                    (lists.TryGetValue(name, out var list) ? list : lists[name] = []).Add(test ? listed : $"{listed} {c + 1}");
                }
            }
        }

        // The archive's lines end as DOS's do.
        foreach (var (name, lines) in lists)
        {
            builder.Write("ucfTrainTestlist/" + name, string.Concat(lines.Select(static line => line + "\r\n")));
        }

        builder.Write("ucfTrainTestlist/classInd.txt", string.Concat(classes.Select(static (name, i) => $"{i + 1} {name}\r\n")));
        return builder.Done("ucf101");
    }
}
