using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>The four libraries as packages in a folder of their own, and programs outside the repository that are made of them and of nothing else of ours.</summary>
public sealed class Packages : IAsyncLifetime
{
    private const string Configuration =
#if DEBUG
        "Debug";
#else
        "Release";
#endif

    private readonly string _root = Directory.CreateTempSubdirectory("xkd-packages-").FullName;

    public async ValueTask InitializeAsync()
    {
        foreach (var library in new[] { "Storage", "Pipeline", "Ingest", "Model" })
        {
            await DotnetAsync("pack", RepositoryFiles.Find("src", library), "-c", Configuration, "--no-build", "-o", Path.Combine(_root, "feed"));
        }

        // Ours from there, those of others from where this build found them; what is unpacked goes with the folder.
        string[] known = [Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Home(".nuget", "packages"), .. (Environment.GetEnvironmentVariable("NUGET_FALLBACK_PACKAGES") ?? "").Split(';')];
        await File.WriteAllTextAsync(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="feed" value="feed" /></packageSources>
              <fallbackPackageFolders><clear />{string.Concat(known.Where(Directory.Exists).Select((folder, i) => $"<add key=\"{i}\" value=\"{folder}\" />"))}</fallbackPackageFolders>
            </configuration>
            """);
    }

    /// <summary>Builds a program of one page.</summary>
    /// <returns>Its assembly.</returns>
    public async Task<string> BuildAsync(string name, string code)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), code);
        await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <RestorePackagesPath>../packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Xkd.Ingest" Version="{Version}" />
                <PackageReference Include="Xkd.Model" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        await DotnetAsync("build", folder, "-c", "Release", "-o", Path.Combine(folder, "out"));
        Assert.True(Directory.Exists(Path.Combine(_root, "packages", "xkd.model")), "another build's Xkd packages were taken: remove xkd.* from NuGet's packages folder");
        return Path.Combine(folder, "out", $"{name}.dll");
    }

    /// <summary>The code cells of a notebook as a program, without the lines that name packages.</summary>
    public static string Notebook(string path)
    {
        using var notebook = JsonDocument.Parse(File.ReadAllBytes(path));
        var lines = notebook.RootElement.GetProperty("cells").EnumerateArray().Where(cell => cell.GetProperty("cell_type").GetString() == "code")
            .SelectMany(cell => cell.GetProperty("source").EnumerateArray().Select(line => line.GetString()!.TrimEnd('\n'))).ToList();
        Assert.Equal(["#r \"nuget: Xkd.Ingest\"", "#r \"nuget: Xkd.Model\""], lines.Where(line => line.StartsWith('#')));
        Assert.DoesNotContain(lines, line => line.StartsWith("using var", StringComparison.Ordinal) || line.StartsWith("await using", StringComparison.Ordinal)); // a script has neither
        return string.Join('\n', lines.Where(line => !line.StartsWith('#')));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static string Version => typeof(Xkd.Storage.Cache).Assembly.GetName().Version!.ToString(3);

    private static string Home(params string[] path) => Path.Combine([Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), .. path]);

    private static async Task DotnetAsync(params string[] arguments)
    {
        var outcome = await XkdProcess.StartAsync("dotnet", [.. arguments, "--nologo", "-v", "quiet"]);
        Assert.True(outcome.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
    }
}
