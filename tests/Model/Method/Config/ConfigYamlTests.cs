using System.Diagnostics;
using System.Text;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Model.Tests.Method;

public sealed class ConfigYamlTests : IDisposable
{
    private const int Many = 100_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-yaml-").FullName;

    /// <summary>Files that no configuration looks like, each with the line that is named.</summary>
    public static TheoryData<string, int> Hostile => new()
    {
        { "batch: 4\n---\nbatch: 8\n", 2 },
        { "batch: 4\n...\n---\nbatch: 8\n", 3 },
        { "batch: 4\nseed: 1\0\nbatch: 8\n", 2 },
        { "batch: 4\nbatch: 8\n", 2 },
        { "data: { fps: 8 }\ndata.fps: 9\n", 2 },
        { "data: &d\n  x: *d\n", 2 },
        { "&a { *a : 1 }\n", 1 },
        { "data:\n  [a]: 1\n", 2 },
        { "optim:\n  betas: [[0.9], 0.95]\n", 2 },
        { "based_on: [[a.yaml]]\n", 1 },
        { "a: " + new string('[', Many) + new string(']', Many), 1 },
        { "a: " + string.Concat(Enumerable.Repeat("{a: ", Many)), 1 },
        { string.Concat(Enumerable.Range(0, Many / 10).Select(i => new string(' ', Math.Min(i, 40)) + "a:\n")), 17 },
        { Aliases(2, 40), 12 },
        { Aliases(10, 10), 5 },
        { "a: &a [" + string.Join(", ", Enumerable.Repeat("1", 900)) + "]\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"b{i}: *a\n")), 12 },
        { "batch: 4\n#" + new string('x', 1 << 20) + "\nseed: 1\n", 2 },
        { "- 1\n- 2\n", 1 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Hostile), DisableDiscoveryEnumeration = true)]
    public void Load_FileThatIsNoConfiguration_IsRefusedInAMomentNamingFileAndLine(string yaml, int line)
    {
        var path = Write(yaml);
        var began = Stopwatch.GetTimestamp();
        var message = Assert.Throws<UsageException>(() => PretrainConfig.Load(path)).Message;
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(10), $"{Stopwatch.GetElapsedTime(began)} for {message}"); // a loaded machine's moment
        Assert.StartsWith($"{path}, line {line}: ", message, StringComparison.Ordinal);
        Assert.True(message.Length < 1000, $"{message.Length} characters");
    }

    [Fact]
    public void Load_HundredThousandUnknownKeys_NamesTheFirstAndCountsTheRest()
    {
        var message = Assert.Throws<UsageException>(() => PretrainConfig.Load(Write(string.Concat(Enumerable.Range(0, 9000).Select(i => $"key{i}: 1\n"))))).Message;
        Assert.Contains("… and 8980 more unknown keys", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AliasesOfWhatIsComplete_AreTheValueThatTheyName()
    {
        var config = PretrainConfig.Load(Write("objective:\n  teacher_temp_video: &t [0.04, 0.07]\n  teacher_temp_audio: *t\nmodel:\n  encoder: &e { dim: 64, depth: 2, heads: 4 }\n  decoder: *e\n"));
        Assert.Equal([0.04, 0.07], config.Objective.TeacherTempAudio);
        Assert.Equal((64, 2, 4), (config.Model.Decoder.Dim, config.Model.Decoder.Depth, config.Model.Decoder.Heads));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\nbatch: 256\n...\n")]
    public void Load_NothingOrOneMarkedDocument_IsRead(string yaml) => Assert.Equal(256, PretrainConfig.Load(Write(yaml)).Batch);

    // Each level names the one before several times: levels to that power of values.
    private static string Aliases(int width, int levels) =>
        "k0: &k0 { a: 1 }\n" + string.Concat(Enumerable.Range(1, levels).Select(i => $"k{i}: &k{i} {{ {string.Join(", ", Enumerable.Range(0, width).Select(j => $"a{j}: *k{i - 1}"))} }}\n"));

    private string Write(string yaml)
    {
        var path = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(path, yaml, new UTF8Encoding(false));
        return path;
    }
}
