using System.Diagnostics;

namespace Xkd.Cli.Tests;

/// <summary>
/// The built program as a user starts it: arguments in; exit code, stdout and stderr out. <c>XKD_TEST_PROGRAM</c> names another to be tested in its place, such as a release's.
/// </summary>
internal static class XkdProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static Task<ProcessOutcome> RunAsync(params string[] arguments) => RunAsync(new Dictionary<string, string>(StringComparer.Ordinal), arguments);

    public static Task<ProcessOutcome> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Environment.GetEnvironmentVariable("XKD_TEST_PROGRAM") is { Length: > 0 } program
            ? StartAsync(program, arguments, environment)
            : StartAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "xkd.dll"), .. arguments], environment);

    /// <summary>Signals a process, as every shell can; the program <c>kill</c> is not on every machine.</summary>
    public static Task SignalAsync(string signal, string process) => StartAsync("sh", ["-c", $"kill -{signal} {process}"]);

    public static async Task<ProcessOutcome> StartAsync(
        string program, string[] arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null, TimeSpan? most = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(most ?? Limit);
        ProcessStartInfo info = new(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = folder ?? "" };
        foreach ((var name, var value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            info.Environment[name] = value;
        }

        using var process = Process.Start(info)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new ProcessOutcome(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
