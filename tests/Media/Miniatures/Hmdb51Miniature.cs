namespace Xkd.Testing;

/// <summary>
/// HMDB51: <c>videos/CLASS/NAME.avi</c> without sound and <c>testTrainMulti_7030_splits/CLASS_test_split{1,2,3}.txt</c>, whose lines end in a blank. Of every
/// four clips of a class one is not used in fold 1, and another is a test clip.
/// </summary>
public static class Hmdb51Miniature
{
    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "hmdb51")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var classes = builder.Classes("brush_hair", "cartwheel", "catch", "draw_sword", "wave");
        for (var c = 0; c < classes.Length; c++)
        {
            // Names with everything that HMDB51's have.
            var names = Enumerable.Range(0, builder.Options.ClipsPerClass).Select(k => FormattableString.Invariant($"#{k}_Rythm_&_(Girl)_{classes[c]}_[f]_nm_np1_le_goo_{k}.avi")).ToArray();
            var uses = names.Select(static (_, k) => Enumerable.Range(1, 3).Select(f => Use(k, f)).ToArray()).ToArray();
            for (var k = 0; k < names.Length; k++)
            {
                var file = $"videos/{classes[c]}/{names[k]}";
                builder.Media(file, [c], silent: true);
                string[] folds = [.. uses[k].Select(static (use, i) => (use, Fold: i + 1)).Where(static u => u.use > 0).Select(static u => $"{u.Fold}:{(u.use == 1 ? "train" : "test")}")];
                builder.Clips.Add(new MiniatureClip(file, file, classes[c]) { Folds = folds });
            }

            for (var f = 1; f <= 3; f++)
            {
                builder.Text($"testTrainMulti_7030_splits/{classes[c]}_test_split{f}.txt", names.Select((name, k) => $"{name} {uses[k][f - 1]} "));
            }
        }

        return builder.Done("hmdb51");
    }

    // 1: train, 2: test, 0: not used.
    private static int Use(int clip, int fold) => ((clip + fold) % 4) switch { 0 => fold == 1 ? 0 : 1, 1 => 2, _ => 1 };
}
