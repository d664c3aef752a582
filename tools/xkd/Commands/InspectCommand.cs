using System.CommandLine;
using TorchSharp;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd inspect</c>: what a cache holds, or what the model will see of one clip.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        Argument<string> cache = new("cache") { Description = "The cache folder." };
        Option<string?> clip = new("--clip") { Description = "Write this clip's contact sheet and spectrogram." };
        var output = Outputs.Folder(new Option<string?>("--out") { Description = "Folder for --clip's pictures." });
        Option<string?> weights = new("--weights") { Description = "A run folder: write where its teachers look in --clip, too." };
        var json = CommonOptions.Json();
        Command command = new("inspect", "Show what a cache holds.") { cache, clip, output, weights, json };
        command.SetAction(async (parsed, stop) =>
        {
            var path = parsed.GetValue(cache)!;
            var terminal = Terminal.Of(parsed, json);
            if (parsed.GetValue(clip) is string id)
            {
                var folder = parsed.GetValue(output) ?? throw new UsageException("--clip needs --out DIR, the folder for its pictures");
                return await WriteAsync(path, id, folder, parsed.GetValue(weights), terminal, stop).ConfigureAwait(false);
            }

            if (parsed.GetValue(weights) is not null)
            {
                throw new UsageException("--weights shows where teachers look in one clip; add --clip ID --out DIR");
            }

            var opened = Cache.Open(path);
            Terminal.Warn(opened.Warnings);
            var summary = CacheSummary.Of(opened);
            if (terminal.Json)
            {
                Terminal.WriteJson(new
                {
                    schema = 1, version = summary.Version, clips = summary.Clips, failed = summary.Failed, hours = summary.Hours, bytes = summary.Bytes,
                    classes = summary.Classes, splits = summary.Splits, fingerprint = summary.Fingerprint,
                });
                return ExitCodes.Done;
            }

            var f = summary.Fingerprint;
            terminal.Result($"{path}: version {summary.Version}, {summary.Clips} clips, {summary.Failed} failed items, {summary.Hours:f2} h, {summary.Bytes / 1e6:f1} MB");
            terminal.Result($"  frames {f.FramesCodec}, {f.Fps:g} fps, short side {f.ShortSide}; audio {f.AudioCodec}, {f.SampleRate} Hz, n_fft {f.NFft}, hop {f.Hop}, {f.Mels} mels; {f.Decoder}");
            foreach ((var name, var count) in summary.Classes.OrderBy(c => c.Key, StringComparer.Ordinal))
            {
                terminal.Result($"  {count,8}  {name}");
            }

            terminal.Next([.. opened.Clips.Take(1).Select(c => $"xkd inspect {path} --clip {c.Id} --out DIR")]);

            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task<int> WriteAsync(string path, string id, string folder, string? weights, Terminal terminal, CancellationToken stop)
    {
        RequireClip(Cache.Open(path), id);
        (var files, var missing) = ClipPictures.Write(path, id, folder);
        if (weights is not null)
        {
            LibTorch.Load();
            Devices.SetThreads(0);
            var cache = Cache.Open(path);
            using var encoder = FrozenEncoder.OpenRun(weights, torch.CPU, terminal.Line);
            files = [.. files, .. TeacherMapPictures.Write(await TeacherMaps.OfClipAsync(encoder, cache, ClipPictures.Find(cache, id), stop).ConfigureAwait(false), folder)];
        }

        foreach (var line in files.Concat(missing))
        {
            terminal.Result(line);
        }

        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, files, missing });
        }

        return ExitCodes.Done;
    }

    private static void RequireClip(Cache cache, string id)
    {
        if (cache.Clips.Any(c => c.Id == id))
        {
            return;
        }

        // A name without its folder or extension is meant before any other spelling.
        string[] ids = [.. cache.Clips.Select(c => c.Id)];
        var meant = Array.Find(ids, i => Path.GetFileName(i) == id || Path.GetFileNameWithoutExtension(i) == id) ?? Spelling.Nearest(id, ids);
        throw new UsageException($"{cache.Path} has no clip '{id}'{(meant is null ? string.Empty : $"; did you mean {meant}?")} `xkd cache ls {cache.Path}` lists its {ids.Length}");
    }
}
