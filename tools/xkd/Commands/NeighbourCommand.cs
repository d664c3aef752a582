using System.CommandLine;
using Xkd.Cli.Evaluation;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd eval knn</c>: on feature files alone.</summary>
internal static class NeighbourCommand
{
    private const int MostQueries = 500_000;

    public static Command Create()
    {
        var train = CommonOptions.RequiredPath("--train", "Features searched, with labels; read once, of any size.");
        var val = CommonOptions.RequiredPath("--val", $"Features classified, with labels; held in memory, at most {MostQueries} rows.");
        var output = Outputs.Folder(CommonOptions.RequiredPath("--out", "Folder for results.json, per_class.csv, confusion.png and report.html."));
        var k = Numbers.Option("--k", "Neighbours that vote.", new NumberRange(1, 1_000_000), 20);
        var temperature = Numbers.Option("--temperature", "A neighbour of similarity s votes with exp(s / temperature).", new NumberRange(1e-6, 1e6), 0.07);
        var force = CommonOptions.Force("the results in --out");
        Option<string?> dataset = new("--dataset") { Description = "Name written into the results; by default that of the features' cache." };
        var json = CommonOptions.Json();
        Command command = new("knn", "Classify features by the nearest of other features.") { train, val, output, k, temperature, dataset, force, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            OutputFolder.RequireFree(parsed.GetValue(output)!, parsed.GetValue(force));
            var queries = await FeatureFiles.ReadAllAsync(parsed.GetValue(val)!, MostQueries, signals.Token).ConfigureAwait(false);
            var gallery = await FeatureFile.OpenAsync(parsed.GetValue(train)!).ConfigureAwait(false);
            await using (gallery.ConfigureAwait(false))
            {
                await FeatureFiles.RequireSameEncoderAsync(gallery, parsed.GetValue(val)!).ConfigureAwait(false);
                NeighbourOptions options = new() { K = parsed.GetValue(k), Temperature = parsed.GetValue(temperature) };
                (var scores, var shared) = await NearestNeighbours.ClassifyAsync(gallery, queries, options, signals.Token).ConfigureAwait(false);
                var identity = await FeatureFiles.IdentityAsync(parsed.GetValue(val)!, "knn", "folder").ConfigureAwait(false);
                identity = identity with { Dataset = parsed.GetValue(dataset) ?? identity.Dataset, Config = null };
                var result = identity.With(scores) with
                {
                    Selection = $"{Math.Min(options.K, gallery.Rows)} nearest of {gallery.Rows} by cosine",
                    Classes = scores.Confusion!.Classes == scores.PerClass.Count ? [.. scores.PerClass.Keys] : null,
                    Notes = FeatureFiles.SharedRows(shared, queries.Clips) is { } note ? [note] : null,
                    Clips = new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = (int)gallery.Rows, ["test"] = queries.Clips },
                };
                result = await EvaluationFiles.WriteAsync(parsed.GetValue(output)!, [result.Classes is null ? result with { Confusion = null } : result], signals.Token).ConfigureAwait(false);
                terminal.Result(EvaluationFiles.Summary(result));
                if (terminal.Json)
                {
                    Terminal.WriteJson(result);
                }

                terminal.Next($"xdg-open {Path.Combine(parsed.GetValue(output)!, EvaluationPage.FileName)}");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
