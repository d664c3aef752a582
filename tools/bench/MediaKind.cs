using System.Diagnostics;
using System.Text.Json;
using Xkd.Ingest;

namespace Xkd.Bench;

/// <summary>Files of one kind, in a folder of their own.</summary>
/// <param name="Container">The files' extension, without its dot.</param>
/// <param name="Streams">Their codecs, and what else they have in common.</param>
/// <param name="Turn">Degrees by which pictures are turned clockwise before they are shown.</param>
/// <param name="Folder">Where the files lie.</param>
/// <param name="Files">Full paths.</param>
/// <param name="Flaw">Why there are no files; null where there are.</param>
internal sealed record MediaKind(string Container, string Streams, int Turn, string Folder, IReadOnlyList<string> Files, string? Flaw = null)
{
    /// <summary>Shown where a kind is named.</summary>
    public string Name => $"{Container} {Streams}";

    /// <summary>Gives sources so many names that a run's beginning weighs little: links to them, in turn.</summary>
    public static IReadOnlyList<string> Link(string folder, IReadOnlyList<string> sources, int count)
    {
        Directory.CreateDirectory(folder);
        var links = new List<string>();
        for (var i = 0; i < count; i++)
        {
            links.Add(Path.Combine(folder, $"file{i:D3}{Path.GetExtension(sources[i % sources.Count])}"));
            File.CreateSymbolicLink(links[i], Path.GetFullPath(sources[i % sources.Count]));
        }

        return links;
    }

    /// <summary>Codecs of a file's streams, such as "h264+aac", and its turn; a question mark where ffprobe does not know.</summary>
    public static async Task<(string Codecs, int Turn)> ProbeAsync(FfmpegTools tools, string file)
    {
        var start = new ProcessStartInfo(tools.Ffprobe, ["-v", "quiet", "-print_format", "json", "-show_streams", "-i", file])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{tools.Ffprobe} did not start");
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        using var json = JsonDocument.Parse(text.Length > 0 ? text : "{}");
        var streams = json.RootElement.TryGetProperty("streams", out var found) ? found.EnumerateArray().ToList() : [];
        var (video, audio) = (First("video"), First("audio"));
        var codecs = string.Join('+', new[] { video, audio }.Where(static stream => stream.ValueKind is JsonValueKind.Object).Select(Codec));
        return (codecs.Length > 0 ? codecs : "?", Rotation(video));

        JsonElement First(string type) => streams.FirstOrDefault(stream => stream.GetProperty("codec_type").GetString() == type);

        static string Codec(JsonElement stream) => stream.TryGetProperty("codec_name", out var name) ? name.GetString()! : "?";
    }

    // ffprobe counts degrees against the clock.
    private static int Rotation(JsonElement stream)
    {
        var degrees = 0;
        if (stream.ValueKind is JsonValueKind.Object && stream.TryGetProperty("side_data_list", out var list))
        {
            foreach (var data in list.EnumerateArray())
            {
                degrees = data.TryGetProperty("rotation", out var rotation) ? (int)Math.Round(rotation.GetDouble() / 90) * 90 : degrees;
            }
        }

        return ((-degrees % 360) + 360) % 360;
    }
}
