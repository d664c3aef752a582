using System.Buffers.Binary;
using System.Diagnostics;
using Xkd.Ingest;

namespace Xkd.Bench;

/// <summary>
/// The kinds of files that people have, made of the camera clips: the same pictures and sound in other containers and codecs, shown upright or turned, at a
/// variable rate, or without one of the two. Of a folder of other files each kind is one as well.
/// </summary>
internal static class MixedClips
{
    private const int Sources = 3; // one encoder is slow
    private const string H264 = "-c:v libx264 -preset veryfast -b:v 400k -pix_fmt yuv420p";

    private static readonly Recipe[] Recipes =
    [
        new("mkv", "-c copy"), // with B-frames, as the clips are
        new("ts", "-c copy"),
        new("mov", "-c copy", "turned by 90°", Turned: true),
        new("mp4", "-c:v copy -an", "no sound"),
        new("mp4", $"-vf select='lt(mod(n\\,10)\\,4)+lt(mod(n\\,3)\\,1)' -fps_mode vfr {H264} -c:a copy", "variable frame rate"),
        new("mp4", "-c:v libx265 -preset ultrafast -b:v 400k -x265-params log-level=error -tag:v hvc1 -c:a copy"),
        new("mp4", "-c:v libsvtav1 -preset 12 -b:v 400k -c:a copy"),
        new("webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 400k -c:a libopus -ar 48000"),
        new("webm", "-c:v libvpx -deadline realtime -cpu-used 16 -b:v 400k -c:a libvorbis"),
        new("avi", "-c:v mpeg4 -b:v 600k -c:a libmp3lame"),
        new("avi", "-c:v mpeg4 -bf 2 -b:v 600k -c:a libmp3lame", "B-frames"),
        new("mpg", "-c:v mpeg1video -b:v 800k -c:a mp2"),
        new("mpg", "-c:v mpeg2video -b:v 800k -c:a mp2"),
        new("mov", "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p -c:a pcm_s16le"),
        new("mp3", "-vn -c:a libmp3lame"),
        new("wav", "-vn -c:a pcm_s16le"),
        new("flac", "-vn -c:a flac"),
    ];

    /// <summary>Makes every kind that this ffmpeg has encoders for; of the others the flaw is told.</summary>
    /// <param name="tools">The ffmpeg that encodes.</param>
    /// <param name="clips">The camera clips.</param>
    /// <param name="folder">Takes a folder for each kind, and one for their sources.</param>
    /// <param name="count">Files of each kind.</param>
    public static async Task<IReadOnlyList<MediaKind>> GenerateAsync(FfmpegTools tools, IReadOnlyList<string> clips, string folder, int count)
    {
        var kinds = new MediaKind[Recipes.Length];
        await Parallel.ForAsync(0, Recipes.Length, async (i, _) =>
        {
            kinds[i] = await MakeAsync(tools, Recipes[i], clips, Path.Combine(folder, $"kind{i:D2}"), count);
        });
        return kinds;
    }

    /// <summary>Files of a folder, at any depth, by their kinds; few files are given several names.</summary>
    /// <param name="tools">The ffmpeg whose ffprobe tells the kinds.</param>
    /// <param name="given">The folder of media.</param>
    /// <param name="folder">Takes a folder for each kind.</param>
    /// <param name="least">Files of each kind, at least.</param>
    public static async Task<IReadOnlyList<MediaKind>> OfFolderAsync(FfmpegTools tools, string given, string folder, int least)
    {
        var found = new List<(string File, string Container, string Codecs, int Turn)>();
        foreach (var file in Directory.EnumerateFiles(given, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var (codecs, turn) = await MediaKind.ProbeAsync(tools, file);
            found.Add((file, Path.GetExtension(file).TrimStart('.').ToLowerInvariant(), codecs, turn));
        }

        return
        [
            .. found.GroupBy(static file => (file.Container, file.Codecs, file.Turn)).OrderBy(static kind => kind.Key).Select((kind, i) =>
            {
                var files = kind.Select(static file => file.File).ToList();
                var path = Path.Combine(folder, $"given{i:D2}");
                var turned = kind.Key.Turn == 0 ? "" : $", turned by {kind.Key.Turn}°";
                var streams = $"{kind.Key.Codecs}{turned}, {(files.Count == 1 ? "a given file" : $"{files.Count} given files")}";
                var names = (least + files.Count - 1) / files.Count;
                return new MediaKind(kind.Key.Container, streams, kind.Key.Turn, path, MediaKind.Link(path, files, files.Count * names));
            }),
        ];
    }

    private static async Task<MediaKind> MakeAsync(FfmpegTools tools, Recipe recipe, IReadOnlyList<string> clips, string folder, int count)
    {
        var sources = Path.Combine(folder, "sources");
        Directory.CreateDirectory(sources);
        var files = new List<string>();
        foreach (var clip in clips.Take(Sources))
        {
            files.Add(Path.Combine(sources, $"{Path.GetFileNameWithoutExtension(clip)}.{recipe.Container}"));
            if (await EncodeAsync(tools, clip, recipe.Arguments, files[^1]) is { } flaw)
            {
                return new MediaKind(recipe.Container, recipe.Remark ?? recipe.Arguments, 0, folder, [], flaw);
            }

            if (recipe.Turned)
            {
                Turn(files[^1]);
            }
        }

        var (codecs, turn) = await MediaKind.ProbeAsync(tools, files[0]);
        var named = Path.Combine(folder, "files");
        return new MediaKind(recipe.Container, recipe.Remark is null ? codecs : $"{codecs}, {recipe.Remark}", turn, named, MediaKind.Link(named, files, count));
    }

    // Null, or what ffmpeg says against it.
    private static async Task<string?> EncodeAsync(FfmpegTools tools, string clip, string arguments, string file)
    {
        const string Exact = "-threads 1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact"; // the same bytes every time
        var start = new ProcessStartInfo(tools.Ffmpeg, $"-hide_banner -nostdin -nostats -v error -y -i \"{clip}\" {arguments} {Exact} \"{file}\"")
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        start.Environment["SVT_LOG"] = "1"; // errors alone
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{tools.Ffmpeg} did not start");
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return process.ExitCode == 0 ? null : lines.FirstOrDefault() ?? $"ffmpeg's exit code is {process.ExitCode}";
    }

    // A quarter turn clockwise in the track's header (ISO 14496-12: forty bytes of version 0, then nine numbers): ffmpeg's option for it has changed.
    private static void Turn(string file)
    {
        var bytes = File.ReadAllBytes(file);
        var matrix = bytes.AsSpan(bytes.AsSpan().IndexOf("tkhd"u8) + 4 + 40);
        foreach (var (place, value) in new[] { 0, 1, 0, -1, 0 }.Index())
        {
            BinaryPrimitives.WriteInt32BigEndian(matrix[(place * sizeof(int))..], value << 16);
        }

        File.WriteAllBytes(file, bytes);
    }

    private sealed record Recipe(string Container, string Arguments, string? Remark = null, bool Turned = false);
}
