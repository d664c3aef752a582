using System.Diagnostics;
using k8s.Models;

namespace Xkd.Cli.Tests.Kubernetes;

/// <summary>A container's command with the environment that Kubernetes gives it, on this machine.</summary>
/// <param name="container">The container.</param>
/// <param name="index">The pod's index in an Indexed Job; null for others.</param>
internal sealed class Pod(V1Container container, int? index = null)
{
    /// <summary>
    /// What the file sets, and the index as the Job's controller sets it, from the annotation batch.kubernetes.io/job-completion-index. Nothing of this
    /// machine's but the path.
    /// </summary>
    public Dictionary<string, string> Environment
    {
        get
        {
            var all = (container.Env ?? []).ToDictionary(variable => variable.Name, variable => variable.Value ?? "", StringComparer.Ordinal);
            if (index is { } number)
            {
                all["JOB_COMPLETION_INDEX"] = $"{number}";
            }

            return all;
        }
    }

    /// <summary>Starts it, with programs of this folder found before others.</summary>
    public Process Start(string folder, params (string Name, string Value)[] variables)
    {
        ProcessStartInfo info = new(container.Command[0], [.. container.Command.Skip(1), .. container.Args ?? []])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        info.Environment.Clear();
        foreach (var (name, value) in Environment.Select(one => (one.Key, one.Value)).Concat(variables))
        {
            info.Environment[name] = value;
        }

        info.Environment["PATH"] = $"{folder}:{System.Environment.GetEnvironmentVariable("PATH")}";

        return Process.Start(info)!;
    }

    /// <summary>Runs it to its end.</summary>
    public async Task<ProcessOutcome> RunAsync(string folder, params (string Name, string Value)[] variables)
    {
        using var process = Start(folder, variables);
        return await EndAsync(process);
    }

    public static async Task<ProcessOutcome> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new ProcessOutcome(process.ExitCode, await output, await error);
    }
}
