using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The ffmpeg and ffprobe this program runs: <c>XKD_FFMPEG</c> (the program or its folder), else the PATH.</summary>
public sealed partial class FfmpegTools
{
    private const string Hint = "install it with `apt-get install ffmpeg`, or set XKD_FFMPEG to the program or its folder";

    private FfmpegTools(string ffmpeg, string ffprobe, string build, bool isChosen)
    {
        Ffmpeg = ffmpeg;
        Ffprobe = ffprobe;
        Build = build;
        IsChosen = isChosen;
    }

    /// <summary>Full path of ffmpeg.</summary>
    public string Ffmpeg { get; }

    /// <summary>Full path of ffprobe.</summary>
    public string Ffprobe { get; }

    /// <summary>ffmpeg's own version, such as "5.1.9".</summary>
    public string Version => Build.Split('-')[0];

    /// <summary>The version with the distributor's part, such as "5.1.9-0+deb12u1".</summary>
    public string Build { get; }

    /// <summary>XKD_FFMPEG names it.</summary>
    public bool IsChosen { get; }

    /// <summary>Finds both programs and runs ffmpeg once, so that a broken installation stops a run instead of failing its every item.</summary>
    /// <param name="variable">The value of XKD_FFMPEG; null reads the environment.</param>
    /// <param name="path">The search path; null reads the environment.</param>
    /// <exception cref="UsageException">XKD_FFMPEG names nothing that can be run.</exception>
    /// <exception cref="FailureException">ffmpeg is missing or does not start; the message holds the command to type.</exception>
    public static FfmpegTools Locate(string? variable = null, string? path = null)
    {
        variable ??= Environment.GetEnvironmentVariable("XKD_FFMPEG");
        var ffmpeg = string.IsNullOrWhiteSpace(variable) ? null : FromVariable(variable);
        var folders = (path ?? Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        ffmpeg ??= Search(folders, "ffmpeg") ?? throw new FailureException($"ffmpeg is not on the PATH; {Hint}.");
        var ffprobe = Search([Path.GetDirectoryName(ffmpeg)!, .. folders], "ffprobe")
            ?? throw new FailureException($"ffprobe is neither beside {ffmpeg} nor on the PATH; {Hint}.");
        return new FfmpegTools(ffmpeg, ffprobe, ReadBuild(ffmpeg), isChosen: !string.IsNullOrWhiteSpace(variable));
    }

    private static string FromVariable(string value)
    {
        var full = Path.GetFullPath(value);
        var program = Directory.Exists(full) ? Path.Combine(full, "ffmpeg") : full;
        return File.Exists(program)
            ? program
            : throw new UsageException($"XKD_FFMPEG is {value}, where there is no ffmpeg; set it to the program or its folder, or unset it to search the PATH.");
    }

    private static string? Search(IEnumerable<string> folders, string name) =>
        folders.Select(folder => Path.GetFullPath(Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    private static string ReadBuild(string ffmpeg)
    {
        var start = new ProcessStartInfo(ffmpeg, "-version")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            var match = VersionLine().Match(output);
            return process.ExitCode == 0 && match.Success
                ? match.Groups[1].Value
                : throw new FailureException($"{ffmpeg} does not run (exit {process.ExitCode}: {error.GetAwaiter().GetResult().Trim()}); {Hint}.");
        }
        catch (Win32Exception exception)
        {
            throw new FailureException($"{ffmpeg} does not start ({exception.Message}); {Hint}.", exception);
        }
    }

    [GeneratedRegex(@"^ffmpeg version (?:n|N-)?(\S+)")]
    private static partial Regex VersionLine();
}
