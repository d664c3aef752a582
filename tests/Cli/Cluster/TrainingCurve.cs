using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>A short training of which any number of ranks must learn the same, and what nodes need for it.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal static class TrainingCurve
{
    private const double Tolerance = 1e-6; // of a loss of about 5

    public static string Config => RepositoryFiles.Find("configs", "pretrain", "tiny.yaml");

    public static string[] Options(int steps) =>
    [
        "--device", "cpu", "--set", "batch=12", "--set", "data.global_size=32", "--set", "data.local_size=32", "--set", "objective.align_all_ranks=true",
        "--set", $"optim.epochs={steps / 2}", "--set", "train.log_every=1", "--set", "train.checkpoint_every=5",
    ];

    /// <summary>Clips of four seconds, each of another colour and tone.</summary>
    public static async Task MakeClipsAsync(string folder, int clips)
    {
        Directory.CreateDirectory(folder);
        for (var clip = 0; clip < clips; clip++)
        {
            string[] made =
            [
                "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=8:d=4", "-f", "lavfi", "-i", $"sine=f={200 + (50 * clip)}:d=4",
                "-vf", $"hue=h={15 * clip}", "-shortest", "-c:v", "libx264", "-c:a", "aac", Path.Combine(folder, $"clip{clip}.mp4"),
            ];
            var outcome = await XkdProcess.StartAsync("ffmpeg", made);
            Assert.True(outcome.ExitCode == 0, outcome.Error);
        }
    }

    /// <summary>A script by which nodes start a program.</summary>
    public static async Task WriteScriptAsync(string path, string text)
    {
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{text}\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>What such a script says to start the command under test.</summary>
    public static string Command => $"exec dotnet '{Path.Combine(AppContext.BaseDirectory, "xkd.dll")}' \"$@\"";

    /// <summary>The losses of a run by step; each step once, in order.</summary>
    public static async Task<double[]> LossesAsync(string run)
    {
        var path = Path.Combine(run, "metrics.jsonl");
        if (!File.Exists(path))
        {
            return [];
        }

        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        List<double> losses = [];
        var whole = (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n')[..^1]; // the last is empty, or still being written
        foreach (var line in whole)
        {
            using var step = JsonDocument.Parse(line);
            losses.Add(step.RootElement.GetProperty("loss").GetDouble());
            Assert.Equal(losses.Count, step.RootElement.GetProperty("step").GetInt32());
        }

        return [.. losses];
    }

    public static void AssertSame(double[] alone, double[] losses) =>
        Assert.All(losses, (loss, i) => Assert.InRange(Math.Abs(loss - alone[i]) / alone[i], 0, Tolerance));
}
