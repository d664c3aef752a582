namespace Xkd.Testing;

/// <summary>ESC-50: <c>audio/FOLD-SOURCE-TAKE-TARGET.wav</c> and <c>meta/esc50.csv</c>; clips go round the five folds.</summary>
public static class Esc50Miniature
{
    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "esc50")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions { ClipsPerClass = 5 });
        var classes = builder.Classes("dog", "chirping_birds", "vacuum_cleaner", "hand_saw", "rain");
        List<string> lines = ["filename,fold,target,category,esc10,src_file,take"];
        for (var c = 0; c < classes.Length; c++)
        {
            for (var k = 0; k < builder.Options.ClipsPerClass; k++)
            {
                var (fold, source) = ((k % 5) + 1, 100032 + k);
                var name = $"{fold}-{source}-A-{c}.wav";
                builder.Media("audio/" + name, [c]);
                lines.Add($"{name},{fold},{c},{classes[c]},{(c == 0 ? "True" : "False")},{source},A");
                builder.Clips.Add(new MiniatureClip("audio/" + name, "audio/" + name, classes[c]) { Folds = [.. Enumerable.Range(1, 5).Select(f => f == fold ? $"{f}:test" : $"{f}:train")] });
            }
        }

        builder.Text("meta/esc50.csv", lines);
        return builder.Done("esc50");
    }
}
