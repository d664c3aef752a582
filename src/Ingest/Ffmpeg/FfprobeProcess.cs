using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Runs ffprobe on a file, with the arguments that FFMpegCore gives it. Here they are a list: FFMpegCore puts the path between double quotes as it is, and one with a quote
/// in it would be another file's.
/// </summary>
internal sealed class FfprobeProcess(FfmpegTools tools)
{
    private static readonly string[] Asked = ["-loglevel", "error", "-print_format", "json", "-show_format", "-sexagesimal", "-show_streams", "-show_chapters", "-i"];

    /// <summary>Runs to the end: the exit code, the JSON, and the lines of standard error. Cancelling kills the process and its children.</summary>
    /// <param name="path">Full path of the file.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="FailureException">ffprobe does not start: no other item would fare better.</exception>
    public async Task<(int ExitCode, string Json, IReadOnlyList<string> Errors)> RunAsync(string path, CancellationToken cancellationToken)
    {
        using var process = Start(path);
        await using var kill = cancellationToken.UnsafeRegister(static state => FfmpegProcess.Kill((Process)state!), process);
        var errors = new List<string>();
        var log = FfmpegProcess.ReadLinesAsync(process.StandardError, errors.Add);
        using var output = process.StandardOutput;
        var json = await output.ReadToEndAsync(CancellationToken.None);
        await log;
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return (process.ExitCode, json, errors);
    }

    private Process Start(string path)
    {
        var start = new ProcessStartInfo(tools.Ffprobe, [.. Asked, path])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = "/",
        };

        // A pipe of ffmpeg's that was just made must not be inherited.
        lock (FfmpegProcess.StartGate)
        {
            try
            {
                return Process.Start(start)!;
            }
            catch (Win32Exception exception)
            {
                throw new FailureException($"{tools.Ffprobe} does not start ({exception.Message}); check that it is still installed, then run the same command again.", exception);
            }
        }
    }
}
