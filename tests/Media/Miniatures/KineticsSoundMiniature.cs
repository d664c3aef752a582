namespace Xkd.Testing;

/// <summary>Kinetics-400 of which the last class is no class of Kinetics-Sound, and so is not to be listed; nor is the test list, which has no labels.</summary>
public static class KineticsSoundMiniature
{
    private const string Other = "abseiling";

    public static Miniature Make(MediaMaker media, MiniatureOptions? options = null, string folder = "kinetics-sound")
    {
        var builder = new MiniatureBuilder(media, folder, options ?? new MiniatureOptions());
        var classes = builder.Classes("playing guitar", "tap dancing", "blowing out candles", "playing xylophone", "tickling");
        Kinetics400Miniature.Build(builder, [.. classes, Other], static label => label != Other);
        builder.Clips.RemoveAll(static clip => clip.Labels.Count == 0);
        return builder.Done("kinetics-sound");
    }
}
