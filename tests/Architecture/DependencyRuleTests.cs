using System.Xml.Linq;

namespace Xkd.Architecture.Tests;

/// <summary>tools → {Ingest, Model} → Pipeline → Storage; heavyweight packages live in one project each.</summary>
public sealed class DependencyRuleTests
{
    internal static readonly string Root = FindRoot();

    public static TheoryData<string, string[]> Allowed => new()
    {
        { "src/Storage/Xkd.Storage.csproj", [] },
        { "src/Pipeline/Xkd.Pipeline.csproj", ["Xkd.Storage"] },
        { "src/Decoder/Xkd.Decoder.csproj", [] },
        { "src/Ingest/Xkd.Ingest.csproj", ["Xkd.Decoder", "Xkd.Pipeline", "Xkd.Storage"] },
        { "src/Model/Xkd.Model.csproj", ["Xkd.Pipeline", "Xkd.Storage"] },
    };

    [Theory]
    [MemberData(nameof(Allowed))]
    public void SourceProject_References_OnlyLayersBelow(string project, string[] allowed)
    {
        var references = References(Path.Combine(Root, project), "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r)!);
        Assert.Empty(references.Except(allowed, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Parquet.Net", "Xkd.Storage")]
    [InlineData("AWSSDK.S3", "Xkd.Storage")]
    [InlineData("TorchSharp", "Xkd.Model")]
    [InlineData("Google.Protobuf", "Xkd.Model")]
    [InlineData("FFMpegCore", "Xkd.Ingest")]
    [InlineData("NWaves", "Xkd.Pipeline")]
    public void Package_IsReferenced_ByItsOneProjectOnly(string package, string owner)
    {
        string[] users = [.. SourceProjects().Where(p => References(p, "PackageReference").Contains(package, StringComparer.Ordinal)).Select(p => Path.GetFileNameWithoutExtension(p)!)];
        Assert.All(users, user => Assert.Equal(owner, user));
    }

    [Fact]
    public void EverySourceProject_IsUnderTheRule()
    {
        string[] ruled = [.. Allowed.Select(row => row.Data.Item1)];
        Assert.Equal(ruled.Order(StringComparer.Ordinal), SourceProjects().Select(p => Path.GetRelativePath(Root, p)).Order(StringComparer.Ordinal));
    }

    /// <summary>Within the model, folders depend one way: Torch ← Method ← Weights ← Training ← Evaluation ← Onnx, and Ranks ← Training.</summary>
    [Theory]
    [InlineData("Torch", new string[0])]
    [InlineData("Method", new[] { "Torch" })]
    [InlineData("Weights", new[] { "Torch", "Method" })]
    [InlineData("Ranks", new[] { "Torch", "Method" })]
    [InlineData("Training", new[] { "Torch", "Method", "Weights", "Ranks" })]
    [InlineData("Evaluation", new[] { "Torch", "Method", "Weights", "Ranks", "Training" })]
    [InlineData("Onnx", new[] { "Torch", "Method", "Weights", "Evaluation" })]
    public void ModelFolder_Namespaces_DependOnlyOnThoseBelow(string folder, string[] below)
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(Root, "src", "Model", folder), "*.cs", SearchOption.AllDirectories)];
        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            var text = File.ReadAllText(file);
            Assert.Matches($@"(?m)^namespace Xkd\.Model\.{folder};", text);
            Assert.Empty(NamespacesOf(text).Except([folder, .. below], StringComparer.Ordinal));
        });
    }

    [Fact]
    public void NamespacesOf_TextThatNamesOne_FindsIt() =>
        Assert.Equal(["Training", "Ranks"], NamespacesOf("using Xkd.Model.Training;\nnamespace Xkd.Model.Method;\n_ = new Model.Ranks.RankGroup();").Except(["Method"]));

    [Fact]
    public void Model_HasNoOtherFolders() => Assert.Equal(
        ["Evaluation", "Method", "Onnx", "Ranks", "Torch", "Training", "Weights"],
        Directory.EnumerateDirectories(Path.Combine(Root, "src", "Model")).Select(folder => Path.GetFileName(folder)).Where(name => name is not ("bin" or "obj")).Order(StringComparer.Ordinal));

    private static IEnumerable<string> NamespacesOf(string text) =>
        System.Text.RegularExpressions.Regex.Matches(text, @"\bModel\.(Torch|Method|Weights|Ranks|Training|Evaluation|Onnx)\b").Select(match => match.Groups[1].Value).Distinct();

    private static IEnumerable<string> SourceProjects() => Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories);

    private static IEnumerable<string> References(string project, string element) =>
        XDocument.Load(project).Descendants(element).Select(e => e.Attribute("Include")!.Value);

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XKD.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no XKD.sln above {AppContext.BaseDirectory}");
    }
}
