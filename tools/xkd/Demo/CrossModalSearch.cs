using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>Clips searched for by the other modality: how often the right one is found, and some searches to look at.</summary>
/// <param name="Clips">How many are searched.</param>
/// <param name="SoundToPicture">A sound looks for its own clip among the pictures.</param>
/// <param name="PictureToSound">A picture looks for its own clip among the sounds.</param>
/// <param name="Examples">Of some classes a clip, and what its sound finds first, best first.</param>
internal sealed record CrossModalSearch(int Clips, RetrievalResult SoundToPicture, RetrievalResult PictureToSound, IReadOnlyList<(string Query, IReadOnlyList<string> Found)> Examples)
{
    private const int ShownQueries = 3, ShownAnswers = 6;

    public static async Task<CrossModalSearch> RunAsync(string run, string cachePath, Terminal terminal, CancellationToken stop)
    {
        using var model = FrozenEncoder.OpenRun(run, Devices.Parse("cpu"), terminal.Line);
        var cache = Cache.Open(cachePath);
        var (pictures, sounds) = await SharedSpace.OfAsync(model, cache, stop).ConfigureAwait(false);
        var first = pictures.Labels.Index().GroupBy(clip => clip.Item).OrderBy(group => group.Key).Take(ShownQueries).Select(group => group.First().Index);
        return new CrossModalSearch(
            pictures.Clips,
            Retrieval.Evaluate(sounds, pictures, RetrievalTarget.SameClip),
            Retrieval.Evaluate(pictures, sounds, RetrievalTarget.SameClip),
            [.. first.Select(clip => (sounds.Ids[clip], (IReadOnlyList<string>)[.. Retrieval.Nearest(sounds, clip, pictures, ShownAnswers).Select(found => pictures.Ids[found])]))]);
    }
}
