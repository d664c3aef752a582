using System.Diagnostics;
using System.Text.RegularExpressions;
using Xkd.Model.Method;

namespace Xkd.Model.Tests.Method;

/// <summary>The page's recipe for a new loss, followed to the letter: its edits are made in a copy of the sources, which is built and takes a step.</summary>
public sealed partial class RecipeTests
{
    private const string Key = "objective.variance", Term = "variance";

    [Fact]
    public async Task Architecture_ALossInThreeEdits_BuildsAndTrains()
    {
        using TemporaryFolder folder = new();
        var (sources, program) = (folder.File("sources"), folder.File("program"));
        CopySources(sources);
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "ARCHITECTURE.md"), TestContext.Current.CancellationToken);
        var edits = Edits().Matches(page).ToArray();
        Assert.Equal(3, edits.Length);
        Assert.All(edits, edit => Apply(edit, sources));

        var built = await RunAsync("dotnet", ["build", Path.Combine(sources, "src", "Model"), "-c", "Release", "--nologo", "-v", "quiet", "--no-dependencies", "-p:RunAnalyzers=false"]);
        Assert.True(built.ExitCode == 0, built.Output);
        Copy(AppContext.BaseDirectory, program, static _ => true);
        File.Copy(Path.Combine(sources, "src", "Model", "bin", "Release", "net10.0", "linux-x64", "Xkd.Model.dll"), Path.Combine(program, "Xkd.Model.dll"), overwrite: true);
        var trained = await RunAsync(Path.Combine(program, Path.GetFileName(Environment.ProcessPath!)), ["-explicit", "only", "-method", $"{typeof(RecipeTests).FullName}.{nameof(Step)}"]);
        Assert.True(trained.ExitCode == 0, trained.Output);
    }

    /// <summary>Not a test of its own: what the program with the new loss runs.</summary>
    [Fact(Explicit = true)]
    public void Step()
    {
        using var scope = TinyModel.Scope();
        var asked = ConfigBinder.Bind<PretrainConfig>(ConfigFile.Load(path: null, [$"{Key}=0.5", "objective.mask_video=0.5", "objective.mask_audio=0.5"]), ConfigRules.Check);
        var with = TinyModel.Config() with { Objective = asked.Objective };
        Assert.True(Read(with).TryGetValue(Term, out var value) && value > 0);
        Assert.DoesNotContain(Term, Read(TinyModel.Config()).Keys);
    }

    private static IReadOnlyDictionary<string, double> Read(PretrainConfig config)
    {
        using var step = new XkdStep(new XkdModel(config));
        using var scalars = step.Run(TinyModel.Input(config, 3), TinyModel.Schedule());
        return scalars.Read();
    }

    private static void Apply(Match edit, string sources)
    {
        var (file, anchor, code) = (Path.Combine(sources, edit.Groups["file"].Value), edit.Groups["anchor"].Value, edit.Groups["code"].Value);
        if (anchor.Length == 0)
        {
            File.WriteAllText(file, code);
            return;
        }

        var text = File.ReadAllText(file);
        Assert.Equal(2, text.Split(anchor).Length); // once
        File.WriteAllText(file, text.Replace(anchor, code + anchor, StringComparison.Ordinal));
    }

    private static void CopySources(string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(RepositoryRoot.Path).Where(static file => Path.GetExtension(file) is ".props" or ".targets" or ".json" or ".txt" or ".editorconfig"))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var project in new[] { "Storage", "Pipeline", "Model" })
        {
            // What the edits do not touch is as it was built.
            Copy(Path.Combine(RepositoryRoot.Path, "src", project), Path.Combine(to, "src", project), path => project != "Model" || !(path.StartsWith("bin/", StringComparison.Ordinal) || path.StartsWith("obj/", StringComparison.Ordinal)));
        }
    }

    private static void Copy(string from, string to, Predicate<string> take)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => take(Path.GetRelativePath(from, file))))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }

    // `FILE`, a new file: or `FILE`, before `ANCHOR`: and the code below it.
    [GeneratedRegex(@"^`(?<file>src/Model/[^`]+)`, (?:a new file|before `(?<anchor>[^`]+)`):\n\n```csharp\n(?<code>.*?)```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Edits();
}
