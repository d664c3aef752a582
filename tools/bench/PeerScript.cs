using System.Diagnostics;
using System.Text.Json;

namespace Xkd.Bench;

/// <summary>A peer in Python: a script that prints one JSON object.</summary>
internal static class PeerScript
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="python">The interpreter.</param>
    /// <param name="script">The script's path.</param>
    /// <param name="needs">The modules it asks for.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="InvalidOperationException">The script does not run.</exception>
    public static async Task<JsonElement> RunAsync(string python, string script, string needs, params string[] arguments)
    {
        ProcessStartInfo start = new(python, [script, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{python} did not start");
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(script)} left with exit code {process.ExitCode}; it needs {needs}");
        }

        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }
}
