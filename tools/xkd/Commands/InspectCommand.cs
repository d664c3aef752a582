using System.CommandLine;
using Xkd.Cli.Hosting;
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
        Option<string?> output = new("--out") { Description = "Folder for --clip's pictures." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("inspect", "Show what a cache holds.") { cache, clip, output, json };
        command.SetAction((parsed, _) =>
        {
            string path = parsed.GetValue(cache)!;
            Terminal terminal = new(parsed.GetValue(json));
            if (parsed.GetValue(clip) is string id)
            {
                string folder = parsed.GetValue(output) ?? throw new UsageException("--clip needs --out DIR, the folder for its pictures");
                foreach (string file in ClipPictures.Write(path, id, folder))
                {
                    terminal.Line(file);
                }

                return Task.FromResult(ExitCodes.Done);
            }

            CacheSummary summary = CacheSummary.Of(path);
            if (terminal.Json)
            {
                Terminal.WriteJson(new
                {
                    schema = 1, version = summary.Version, clips = summary.Clips, failed = summary.Failed, hours = summary.Hours, bytes = summary.Bytes,
                    classes = summary.Classes, splits = summary.Splits, fingerprint = summary.Fingerprint,
                });
                return Task.FromResult(ExitCodes.Done);
            }

            Fingerprint f = summary.Fingerprint;
            terminal.Line($"{path}: version {summary.Version}, {summary.Clips} clips, {summary.Failed} failed items, {summary.Hours:f2} h, {summary.Bytes / 1e6:f1} MB");
            terminal.Line($"  frames {f.FramesCodec}, {f.Fps:g} fps, short side {f.ShortSide}; audio {f.AudioCodec}, {f.SampleRate} Hz, n_fft {f.NFft}, hop {f.Hop}, {f.Mels} mels; {f.Decoder}");
            foreach ((string name, int count) in summary.Classes.OrderBy(c => c.Key, StringComparer.Ordinal))
            {
                terminal.Line($"  {count,8}  {name}");
            }

            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
