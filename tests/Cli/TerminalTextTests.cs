using System.CommandLine;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;
using Xkd.Pipeline;

namespace Xkd.Cli.Tests;

/// <summary>What a person reads who types something wrong, or asks for help.</summary>
public sealed class TerminalTextTests(IngestedClips clips)
{
    private const int Columns = 80;

    [Theory]
    [InlineData]
    [InlineData("help")]
    [InlineData("--help")]
    public void Help_OfTheProgram_HasVerbsExampleExitCodesAndWhereDocsAre(params string[] arguments)
    {
        var help = Help(arguments);
        Assert.All(VerbList.All(), verb => Assert.Matches($@"(?m)^  {verb.Name}\b", help));
        Assert.Contains("\n  test ", help, StringComparison.Ordinal);
        Assert.Contains("\n  experiment ", help, StringComparison.Ordinal);
        Assert.Contains("xkd ingest --dataset folder --root clips --out cache", help, StringComparison.Ordinal);
        Assert.Contains("75   stopped on request after a checkpoint or commit", help, StringComparison.Ordinal);
        Assert.Contains("Documentation: README.md", help, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_OfEveryVerb_FitsTheTerminal()
    {
        foreach (var verb in VerbList.All())
        {
            Assert.All(Help("help", verb.Name).Split('\n'), line => Assert.True(line.TrimEnd().Length <= Columns, line));
        }
    }

    [Theory]
    [InlineData("ingest", "[default: 16GiB]", "[default: 1/1]")]
    [InlineData("train", "--resume [auto]", "--config <file or name>")]
    [InlineData("cache vacuum", "[default: 7d]")]
    public void Help_ValuesWithUnits_ShowThem(string verb, params string[] expected)
    {
        var help = string.Join(' ', Help([.. verb.Split(' '), "--help"]).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All(expected, text => Assert.Contains(text, help, StringComparison.Ordinal));
        Assert.DoesNotContain("System.", help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trian", "there is no verb trian; did you mean train?", "see `xkd --help`")]
    [InlineData("trian --config tiny", "there is no verb trian; did you mean train?", "see `xkd --help`")]
    [InlineData("eval", "eval needs one of svm, linear, finetune, knn, retrieval", "see `xkd eval --help`")]
    [InlineData("eval smv", "there is no verb eval smv; did you mean svm?", "see `xkd eval --help`")]
    [InlineData("eval svm --train a --val b", "Option '--out' is required.", "see `xkd eval svm --help`")]
    [InlineData("verify c --jsn", "verify does not take --jsn; did you mean --json?", "see `xkd verify --help`")]
    [InlineData("verify c --quite", "verify does not take --quite; did you mean --quiet?", "see `xkd verify --help`")]
    [InlineData("ingest --workers x", "--workers x: write a whole number from 0 to 1024", "see `xkd ingest --help`")]
    [InlineData("train --seed x --out a", "--seed x: write a whole number from 0 up", "see `xkd train --help`")]
    [InlineData("ingest --out /proc/foo", "--out /proc/foo cannot be written: /proc takes no files; name a place that is your own", "see `xkd ingest --help`")]
    [InlineData("train --out /proc/foo/bar", "--out /proc/foo/bar cannot be written: /proc takes no files; name a place that is your own", "see `xkd train --help`")]
    [InlineData("eval linear --config foldr --train a --val b --out c", "--config foldr: no such file; did you mean folder? It may also be a name: esc50, folder, fsd50k, hmdb51, kinetics-sound, kinetics400, ucf101", "see `xkd eval linear --help`")]
    public void Errors_OfACommandLine_SayWhatToWrite(string line, params string[] expected)
    {
        var parsed = VerbList.Root().Parse(line);
        Assert.Equal(expected, UsageErrors.Of(parsed, "xkd"));
    }

    [Theory]
    [InlineData("tiny", "pretrain/tiny.yaml")]
    [InlineData("pretrain/tiny", "pretrain/tiny.yaml")]
    [InlineData("configs/pretrain/tiny", "pretrain/tiny.yaml")]
    public void Config_ByName_IsTheFileThatComesWithTheProgram(string name, string file)
    {
        var parsed = VerbList.Root().Parse(["train", "--config", name, "--out", clips.File("run")]);
        Assert.Empty(parsed.Errors);
        Assert.Equal(Path.Combine(AppContext.BaseDirectory, "configs", file), parsed.GetValue<string>("--config"));
    }

    [Theory]
    [InlineData("train --config eval/svm/folder --data CACHE", "folder.yaml is an evaluation configuration of an SVM, for xkd eval svm; xkd train takes a pre-training configuration")]
    [InlineData("train --config eval/linear/ucf101 --data CACHE", "ucf101.yaml is an evaluation configuration of a classifier, for xkd eval linear or finetune; xkd train takes")]
    [InlineData("eval linear --config pretrain/xkd --weights w --train CACHE --val CACHE", "xkd.yaml is a pre-training configuration, for xkd train; xkd eval linear or finetune takes")]
    [InlineData("train --config tiny --data CACHE --set train.batch=-3", "--set train.batch: unknown key train.batch; did you mean batch?")]
    [InlineData("train --data CACHE", "--config is missing; name a file, or one of from_official, released, tiny, ")]
    [InlineData("features --weights /nope.pth --data CACHE", "/nope.pth does not exist: name a run, a checkpoint, or a file of weights")]
    [InlineData("import /nope.pth", "/nope.pth does not exist: name a run, a checkpoint, or a file of weights")]
    [InlineData("inspect CACHE --clip good", "has no clip 'good'; did you mean good.mp4? `xkd cache ls ")]
    [InlineData("test storage", "test builds from source: run ./xkd test in a checkout")]
    public async Task Command_ThatCannotBe_Exits2SayingWhatToWrite(string line, string expected)
    {
        var (verb, output) = (line.Split(' ')[0], clips.File(line.StartsWith("features", StringComparison.Ordinal) ? "wrong.parquet" : "wrong"));
        string[] arguments = [.. line.Replace("CACHE", clips.Cache, StringComparison.Ordinal).Split(' '), .. verb == "test" ? Array.Empty<string>() : ["--out", output]];
        var outcome = await XkdProcess.RunAsync(arguments);
        Assert.Equal((2, string.Empty), (outcome.ExitCode, outcome.Output));
        Assert.Contains(expected, outcome.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(output));
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _xkd xkd")]
    [InlineData("zsh", "compdef _xkd xkd")]
    [InlineData("fish", "complete -c xkd")]
    public async Task Completion_OfAShell_AsksTheProgram(string shell, string registration)
    {
        var outcome = await XkdProcess.RunAsync("completion", shell);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("[suggest:", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(registration, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_InBash_OffersVerbsOptionsAndNames()
    {
        Assert.Equal(["train"], await CompleteAsync("./xkd tra"));
        Assert.Equal(["--max-hours", "--max-steps"], await CompleteAsync("./xkd train --max"));
        Assert.Contains("tiny", await CompleteAsync("./xkd train --config t"));
    }

    [Theory]
    [InlineData("av", 100, "xkd train --config tiny --data c --out RUN")]
    [InlineData("av", 100_000, "xkd train --config xkd --data c --out RUN")]
    [InlineData("audio", 100_000, "xkd eval svm --weights RUN --train c --val c --modality audio --out RESULTS")]
    public void Next_AfterIngest_SuitsWhatWasDecoded(string modalities, long clips, string expected) => Assert.Equal(expected, IngestCommand.Use("c", modalities, clips));

    [Theory]
    [InlineData("f.parquet", "pandas.read_parquet('f.parquet')")]
    [InlineData("f.csv", "pandas.read_csv('f.csv')")]
    [InlineData("f.npy", "numpy.load('f.npy')")]
    [InlineData("f.pth", "torch.load('f.pth')")]
    [InlineData("f.onnx", "onnxruntime.InferenceSession('f.onnx')")]
    [InlineData("f.safetensors", "load_file('f.safetensors')")]
    public void Next_AfterAFile_ReadsIt(string path, string expected) => Assert.Contains(expected, FileReading.Of(path), StringComparison.Ordinal);

    [Theory]
    [InlineData(false, "", "xterm", true)]
    [InlineData(true, "", "xterm", false)]
    [InlineData(false, "1", "xterm", false)]
    [InlineData(false, "", "dumb", false)]
    [InlineData(false, "", "", false)]
    public void Colours_OnlyOnATerminalThatWantsThem(bool redirected, string noColour, string terminal, bool expected) =>
        Assert.Equal(expected, Colours.Wanted(redirected, name => name == "NO_COLOR" ? noColour : terminal));

    [Theory]
    [InlineData(1L << 30, "1GiB")]
    [InlineData(1536L << 20, "1536MiB")]
    [InlineData(1000, "1000B")]
    [InlineData(0, "0B")]
    public void ByteSize_AsText_IsAWholeNumberOfItsLargestUnit(long bytes, string text) => Assert.Equal(text, new ByteSize(bytes).ToString());

    [Fact]
    public void GraphTable_OfLargeNumbers_FitsTheTerminalAndNamesTheTrainingStep()
    {
        StageReport stage = new()
        {
            Name = PipelineGraph.Consumer, Title = "training step", Parallelism = 1, Count = 10_000_000, Failed = 100_000, MeanMs = 10_000, P50Ms = 10_000, P99Ms = 100_000, PutWait = 10_000,
            GetWait = 10_000, Occupancy = 1, Utilisation = 1, Bytes = 1L << 40,
        };
        var report = GraphReport.Of("feed", 1, [stage with { Name = "read", Title = "read", Utilisation = 0.5 }, stage]);
        Assert.All(GraphReportText.Table(report), line => Assert.InRange(line.Length, 70, Columns));
        Assert.StartsWith("training step is the bottleneck", report.Remedy, StringComparison.Ordinal);
        Assert.Equal("consumer", report.Bottleneck); // in JSON it keeps its name
    }

    private static string Help(params string[] arguments)
    {
        using StringWriter output = new();
        Assert.Equal(0, VerbList.Root().Parse(HelpText.Asked(arguments)).Invoke(new InvocationConfiguration { Output = output }));
        return output.ToString();
    }

    // By the script itself; a stand-in named ./xkd starts what was built beside these tests.
    private async Task<string[]> CompleteAsync(string typed)
    {
        var folder = Directory.CreateDirectory(clips.File("completion")).FullName;
        var program = Path.Combine(folder, "xkd");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "xkd.dll")}' \"$@\"\n", TestContext.Current.CancellationToken);
        await XkdProcess.StartAsync("chmod", ["+x", program]);
        var script = $$"""
            eval "$(./xkd completion bash)"
            COMP_LINE='{{typed}}' COMP_POINT={{typed.Length}} COMP_WORDS=({{typed}}) COMP_CWORD={{typed.Split(' ').Length - 1}}
            _xkd
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        var outcome = await XkdProcess.StartAsync("bash", ["-c", script], folder: folder);
        return outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
