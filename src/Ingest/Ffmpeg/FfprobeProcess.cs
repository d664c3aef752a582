using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xkd.Decoder;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Runs ffprobe on a file, with the arguments that FFMpegCore gives it. Here they are a list: FFMpegCore puts the path between double quotes as it is, and one with a quote
/// in it would be another file's.
/// </summary>
internal sealed class FfprobeProcess(FfmpegTools tools)
{
    private static readonly string[] Common = ["-v", "level+warning", "-protocol_whitelist", MediaFormats.Protocols, "-format_whitelist", MediaFormats.Demuxers];
    private static readonly string[] Far = ["-analyzeduration", "100M", "-probesize", "100M"];
    private static readonly string[] Description = ["-print_format", "json", "-show_format", "-sexagesimal", "-show_streams"];
    private static readonly string[] Packets = ["-print_format", "csv=p=0", "-show_entries", "packet=pts_time,dts_time,duration_time"];

    /// <summary>What the file holds: the exit code and the JSON. Cancelling kills the process and its children.</summary>
    /// <param name="path">Full path of the file.</param>
    /// <param name="far">Looks a hundred seconds into it, for streams of which there is little.</param>
    /// <param name="log">Takes what it complains of.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="FailureException">ffprobe does not start: no other item would fare better.</exception>
    public async Task<(int ExitCode, string Json)> DescribeAsync(string path, bool far, FfmpegLog log, CancellationToken cancellationToken)
    {
        var json = new StringBuilder();
        var exitCode = await RunAsync([.. Common, .. far ? Far : [], .. Description, "-i", path], line => json.AppendLine(line), log, cancellationToken);
        return (exitCode, json.ToString());
    }

    /// <summary>Reads the file to its end, without decoding: a line for each packet, its presentation time, its decoding time and its duration in seconds, as far as they are known.</summary>
    /// <param name="path">Full path of the file.</param>
    /// <param name="stream">Only this one; null: all.</param>
    /// <param name="packet">Takes each packet's line.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="FailureException">ffprobe does not start: no other item would fare better.</exception>
    public Task ReadPacketsAsync(string path, int? stream, Action<string> packet, CancellationToken cancellationToken) =>
        RunAsync([.. Common, .. Packets, .. stream is { } index ? ["-select_streams", index.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(), "-i", path], packet, new FfmpegLog(), cancellationToken);

    private async Task<int> RunAsync(IReadOnlyList<string> arguments, Action<string> line, FfmpegLog log, CancellationToken cancellationToken)
    {
        using var process = Start(arguments);
        await using var kill = cancellationToken.UnsafeRegister(static state => FfmpegProcess.Kill((Process)state!), process);
        await Task.WhenAll(FfmpegProcess.ReadLinesAsync(process.StandardError, log.Add), FfmpegProcess.ReadLinesAsync(process.StandardOutput, line));
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return process.ExitCode;
    }

    private Process Start(IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(tools.Ffprobe, arguments)
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
