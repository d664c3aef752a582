namespace Xkd.Bench;

/// <summary>libav in one process (PyAV, <c>peers/decode_pyav.py</c>): what a run of it decoded, and what that took.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="CpuMs">User and system time a file, in milliseconds.</param>
/// <param name="Frames">Frames of all files.</param>
/// <param name="Samples">Samples of all files, at 16 kHz.</param>
/// <param name="Errors">What is said of each file that does not decode.</param>
internal sealed record LibavPeer(double Seconds, double CpuMs, long Frames, long Samples, IReadOnlyList<string> Errors)
{
    /// <param name="python">The interpreter that has PyAV.</param>
    /// <param name="peers">Folder of the peer scripts.</param>
    /// <param name="workers">Processes that decode.</param>
    /// <param name="turn">Degrees by which pictures are turned clockwise.</param>
    /// <param name="files">The files.</param>
    /// <exception cref="InvalidOperationException">The script does not run.</exception>
    public static async Task<LibavPeer> RunAsync(string python, string peers, int workers, int turn, IReadOnlyList<string> files)
    {
        var root = await PeerScript.RunAsync(python, Path.Combine(peers, "decode_pyav.py"), "PyAV", [$"{workers}", $"{turn}", .. files]);
        return new LibavPeer(
            root.GetProperty("seconds").GetDouble(),
            root.GetProperty("cpu_ms_per_clip").GetDouble(),
            root.GetProperty("frames").GetInt64(),
            root.GetProperty("samples").GetInt64(),
            [.. root.GetProperty("errors").EnumerateArray().Select(static error => error.GetString()!)]);
    }
}
