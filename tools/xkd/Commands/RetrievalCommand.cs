using System.CommandLine;
using Xkd.Cli.Evaluation;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd eval retrieval</c>: sounds that look for pictures and the other way, in the space that a run's heads share, or on feature files.</summary>
internal static class RetrievalCommand
{
    private const int MostRows = 500_000;

    public static Command Create()
    {
        Option<string?> weights = new("--weights") { Description = "A run that was trained with distillation: its students and teachers say in one space what they see and hear." };
        Option<string?> data = new("--data") { Description = "The cache whose clips are searched, with both modalities: a folder, or s3://bucket/prefix." };
        Option<string?> audio = new("--audio") { Description = "In place of --weights and --data: audio features of some clips." };
        Option<string?> video = new("--video") { Description = "With --audio: video features of the same clips." };
        var output = Outputs.Folder(CommonOptions.RequiredPath("--out", "Folder for retrieval.json and report.html."));
        var force = CommonOptions.Force("the results in --out");
        var target = CommonOptions.Choice("--target", "What counts as found.", "clip", "class");
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        var json = CommonOptions.Json();
        Command command = new("retrieval", "Find clips by sound from pictures, and the other way.") { weights, data, audio, video, output, target, device, libtorch, force, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            OutputFolder.RequireFree(parsed.GetValue(output)!, parsed.GetValue(force));
            FeatureSet sounds, pictures;
            switch (parsed.GetValue(weights), parsed.GetValue(data), parsed.GetValue(audio), parsed.GetValue(video))
            {
                case ({ } run, { } cache, null, null):
                    LibTorch.Load(parsed.GetValue(libtorch));
                    Devices.SetThreads(0);
                    using (var model = FrozenEncoder.OpenRun(run, Devices.Parse(parsed.GetValue(device)!), terminal.Line))
                    {
                        (pictures, sounds) = await SharedSpace.OfAsync(model, Cache.Open(cache), signals.Token).ConfigureAwait(false);
                    }

                    break;
                case (null, null, { } heard, { } seen):
                    await FeatureFiles.RequireModalityAsync(heard, "audio").ConfigureAwait(false);
                    await FeatureFiles.RequireModalityAsync(seen, "video").ConfigureAwait(false);
                    sounds = await FeatureFiles.ReadAllAsync(heard, MostRows, signals.Token).ConfigureAwait(false);
                    pictures = await FeatureFiles.ReadAllAsync(seen, MostRows, signals.Token).ConfigureAwait(false);
                    (sounds, pictures) = RetrievalFiles.SameClasses(sounds, pictures);
                    break;
                default:
                    throw new UsageException("eval retrieval takes --weights RUN and --data CACHE, or --audio FILE and --video FILE");
            }

            var found = parsed.GetValue(target) == "clip" ? RetrievalTarget.SameClip : RetrievalTarget.SameClass;
            (string Way, RetrievalResult Result)[] both = [("audio→video", Retrieval.Evaluate(sounds, pictures, found)), ("video→audio", Retrieval.Evaluate(pictures, sounds, found))];
            var result = await RetrievalFiles.WriteAsync(parsed.GetValue(output)!, parsed.GetValue(target)!, both[0].Result, both[1].Result, signals.Token).ConfigureAwait(false);
            foreach (var (way, one) in both)
            {
                var recall = one.Recall.Select(r => $"R@{r.Key} {r.Value:f2} % (chance {one.Chance[r.Key]:f2})");
                terminal.Result($"{way}: {string.Join(", ", recall)}, median rank {one.MedianRank:f1} of {one.Queries}");
            }

            if (terminal.Json)
            {
                Terminal.WriteJson(result);
            }

            terminal.Next($"xdg-open {Path.Combine(parsed.GetValue(output)!, EvaluationPage.FileName)}");
            return ExitCodes.Done;
        });
        return command;
    }
}
