using Xkd.Model.Method;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Tests.Method;

public sealed class PretrainConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-config-").FullName;

    public static TheoryData<string> ShippedConfigs => [.. Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "configs"), "*.yaml", SearchOption.AllDirectories)
        .Select(p => Path.GetRelativePath(RepositoryRoot.Path, p))
        .Where(p => !p.StartsWith("configs/eval/", StringComparison.Ordinal) && !p.StartsWith("configs/k8s/", StringComparison.Ordinal))]; // jobs

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(ShippedConfigs))]
    public void Load_ShippedConfig_IsValid(string path) => Assert.True(PretrainConfig.Load(Path.Combine(RepositoryRoot.Path, path)).Batch > 0);

    [Fact]
    public void Load_PaperRecipe_EqualsTheDefaults() =>
        Assert.Equal(ConfigBinder.ToYaml(new PretrainConfig()), ConfigBinder.ToYaml(PretrainConfig.Load(Path.Combine(RepositoryRoot.Path, "configs/pretrain/xkd.yaml"))));

    [Theory]
    [InlineData("xkd")]
    [InlineData("xkd_mas")]
    [InlineData("xkd_mats")]
    public void Load_ReleasedRecipe_IsTheRecipeWithTheReleasedBehaviour(string name)
    {
        string[] released =
        [
            "data.mel_normalization=released", "data.spectrogram=per_window", "augment.blur_sigma=released", "objective.teacher_view=first_local", "objective.student_temperature=audio_for_both",
            "optim.shared_teacher_ema=twice",
        ];
        string Yaml(string file, params string[] overrides) => ConfigBinder.ToYaml(PretrainConfig.Load(Path.Combine(RepositoryRoot.Path, "configs/pretrain", file), overrides));
        Assert.Equal(Yaml($"{name}.yaml", released), Yaml($"{name}_released.yaml"));
    }

    [Theory]
    [InlineData("weight_decay: 0.1", "[0.1, 0.1]")]
    [InlineData("weight_decay: [0.1, 0.2]", "[0.1, 0.2]")]
    public void Load_OneNumberForAList_StandsForEach(string optim, string expected) =>
        Assert.Contains($"weight_decay: {expected}", ConfigBinder.ToYaml(PretrainConfig.Load(Write($"optim: {{ {optim} }}\n"))), StringComparison.Ordinal);

    [Theory]
    [InlineData("optim: { betas: 0.9 }\n", "optim.betas is [0.9]; write [mean, variance], each a number from 0 to 0.999999999")]
    [InlineData("augment: { crop_ratio: [2, 1] }\n", "augment.crop_ratio is [2, 1]; write [from, to], each a number from 0.01 to 100, the smaller first")]
    [InlineData("model: { video_patch: [4, 16] }\n", "model.video_patch is [4, 16]; write [frames, height, width], each a whole number from 1 to 4096")]
    public void Load_ListOfAnotherShape_IsRefusedWithTheShape(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => PretrainConfig.Load(Write(yaml))).Message, StringComparison.Ordinal);

    [Fact]
    public void Reference_EveryKey_HasItsMeaningDefaultAndRange()
    {
        var keys = ConfigReference.Of<PretrainConfig>();
        Assert.Equal(ConfigBinder.Leaves(new PretrainConfig()), keys.Select(key => (key.Name, key.Default)));
        Assert.All(keys, key => Assert.False(string.IsNullOrWhiteSpace(key.Meaning) || string.IsNullOrWhiteSpace(key.Type), key.Name));
        Assert.All(keys, key => Assert.DoesNotMatch("&[a-z]+;", key.Meaning)); // as a reader sees it
        var rate = Assert.Single(ConfigReference.Find<PretrainConfig>("optim.lr"));
        Assert.Equal(("Learning rate after the warm-up. Default 1e-4.", "0.0001"), (rate.Meaning, rate.Default));
        Assert.Contains("did you mean optim.lr", Assert.Throws<UsageException>(() => ConfigReference.Find<PretrainConfig>("optim.lrr")).Message, StringComparison.Ordinal);
        Assert.NotEmpty(ConfigReference.Of<Xkd.Model.Evaluation.SvmConfig>());
        Assert.NotEmpty(ConfigReference.Of<Xkd.Model.Evaluation.ClassifierConfig>());
    }

    [Fact]
    public void Load_UnknownKey_NamesLineAndNearestKey()
    {
        var error = Assert.Throws<UsageException>(() => PretrainConfig.Load(Write("batch: 4\noptim:\n  weight_decy: 1\n")));
        Assert.Contains("line 3: unknown key optim.weight_decy; did you mean optim.weight_decay?", error.Message);
    }

    [Theory]
    [InlineData("optim:\n  leraning_rate: 1\n", "line 2: unknown key optim.leraning_rate; optim has epochs, ")]
    [InlineData("nothing_like_it: 1\n", "line 1: unknown key nothing_like_it; known are variant, ")]
    [InlineData("train:\n  overlap: true\n", "line 2: unknown key train.overlap; it was removed: ")]
    public void Load_UnknownKeyNearNone_ListsWhatThereIs(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => PretrainConfig.Load(Write(yaml))).Message);

    [Fact]
    public void Load_ManyErrors_AreAllNamedAtOnce()
    {
        var error = Assert.Throws<UsageException>(() => PretrainConfig.Load(Write("batch: none\nmodel:\n  encoder: { dim: 100, depth: 2, heads: 3 }\nobjective:\n  mask_video: 1.5\n")));
        Assert.Contains("batch is 'none'; write a whole number", error.Message);
        Assert.Contains("model.encoder.dim is 100; write a multiple of model.encoder.heads (3)", error.Message);
        Assert.Contains("objective.mask_video is '1.5'; write a number from 0 to 1", error.Message);
    }

    [Theory]
    [InlineData("model: { class_token: false }\n")]
    [InlineData("model: { class_token: false }\nobjective: { align: 0, cmkd: 0 }\n")]
    [InlineData("objective: { recon: 0, recon_video: 0, recon_audio: 0 }\n")]
    public void Load_WhatTheModelCanDo_IsAccepted(string yaml) => Assert.NotNull(PretrainConfig.Load(Write(yaml)));

    [Theory]
    [InlineData("objective: { recon_video: 0, recon_audio: 0 }\n", "objective.recon_video + recon_audio is 0")]
    [InlineData("data: { local_size: 96 }\nmodel: { video_patch: [4, 16, 28] }\n", "data.local_size is 96; write a multiple of model.video_patch[2] (28)")]
    [InlineData("objective: { recon: .inf }\n", "objective.recon is")]
    [InlineData("objective: { mask_audio: 0.9999 }\n", "objective.mask_audio is 0.9999; of 560 tokens it leaves 0")]
    public void Load_WhatTheModelCannotDo_IsRefusedByItsKey(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => PretrainConfig.Load(Write(yaml))).Message);

    [Fact]
    public void Check_AnyConfiguration_WhatPassesTheModelTakes()
    {
        using var scope = TinyModel.Scope();
        Random random = new(5);
        int Pick(params int[] values) => values[random.Next(values.Length)];
        double Weight() => Pick(0, 1, 2, 3);
        double Share() => Pick(5, 8, 3, 9, 7, 2, 10, 0) / 10.0;
        var accepted = 0;
        for (var i = 0; i < 2000; i++)
        {
            PretrainConfig config = new()
            {
                Batch = 4,
                Model = new ModelSection
                {
                    VideoPatch = [Pick(4, 2, 8, 1, 3, 0), Pick(16, 8, 4, 32, 5), Pick(16, 8, 2, 28)], AudioPatch = [Pick(4, 8, 16, 3), Pick(16, 8, 0)], ClassToken = random.Next(2) == 0,
                    Encoder = new TransformerSection { Dim = Pick(16, 32, 48, 0), Depth = Pick(1, 2, 3, 0), Heads = Pick(4, 2, 1, 8, 3, 0) },
                    Decoder = new TransformerSection { Dim = 16, Depth = 1, Heads = 2 },
                    Projector = new ProjectorSection { Layers = Pick(1, 2, 3, 0), Hidden = Pick(8, 16, 32, 0), Bottleneck = Pick(0, 8, 16), Out = Pick(8, 16, 32, 0) },
                },
                Objective = new ObjectiveSection
                {
                    Align = Weight(), Cmkd = Weight(), Recon = Weight(), ReconVideo = Weight(), ReconAudio = Weight(), MaskVideo = Share(), MaskAudio = Share(),
                    Refinement = (AttentionRefinement)random.Next(3),
                },
            };
            List<string> errors = [.. ConfigBinder.OutOfRange(config)];
            ConfigRules.Check(config, errors);
            if (errors.Count == 0)
            {
                accepted++;
                using XkdModel model = new(config);
            }
        }

        Assert.InRange(accepted, 20, 1900);
    }

    [Theory]
    [InlineData("local_frames: 40", "data.local_frames is 40; a local view is cut out of the global window; write at most data.global_frames (32), or data.local_from: clip")]
    [InlineData("local_mel_frames: 464", "data.local_mel_frames is 464; a local view is cut out of the global window; write at most data.global_mel_frames (448), or data.local_from: clip")]
    [InlineData("local_frames: 40, local_from: clip", null)]
    [InlineData("local_from: clip, sample: per_video", "data.local_from is clip; with data.sample: per_video clips are mere segments of what is visited; write window, or data.sample: per_clip")]
    [InlineData("sample: per_source", "data.sample is 'per_source'; write one of per_clip, per_video")]
    [InlineData("readers: -1", "data.readers is '-1'; write a whole number from 0 to 1024")]
    public void Load_WhatIsCutFromTheCache_FitsOrIsRefusedWithTheFix(string data, string? error)
    {
        var file = Write($"data: {{ {data} }}\n");
        if (error is null)
        {
            Assert.Equal(LocalFrom.Clip, PretrainConfig.Load(file).ToFeed(0, 1, new PipelineGraphOptions()).LocalFrom);
            return;
        }

        Assert.Contains(error, Assert.Throws<UsageException>(() => PretrainConfig.Load(file)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(128)]
    public void ToFeed_CoresOfTheProcess_SetTheWorkers(int cores)
    {
        var feed = new PretrainConfig().ToFeed(0, 1, new PipelineGraphOptions(), cores: cores);
        Assert.Equal((cores, Math.Max(1, cores - 1), 0, 0L), (feed.Cores, feed.Workers, feed.Readers, feed.MemoryBudget)); // the feed chooses by cache and store
        PretrainConfig written = new() { Data = new DataSection { Workers = 3, Readers = 7, PrefetchBytes = 5, Sample = SampleUnit.PerVideo } };
        var asked = written.ToFeed(0, 1, new PipelineGraphOptions(), cores: cores);
        Assert.Equal((3, 7, 5L, SampleUnit.PerVideo), (asked.Workers, asked.Readers, asked.MemoryBudget, asked.Sample));
    }

    [Fact]
    public void Load_WithSet_OverridesTheFileAndItsBase()
    {
        var file = Write("based_on: base.yaml\nseed: 3\n");
        File.WriteAllText(Path.Combine(_folder, "base.yaml"), "batch: 8\nseed: 1\nobjective: { recon: 2 }\n");
        var config = PretrainConfig.Load(file, ["batch=16", "optim.betas=[0.5, 0.6]"]);
        Assert.Equal((16, 3L, 2.0), (config.Batch, config.Seed, config.Objective.Recon));
        Assert.Equal([0.5, 0.6], config.Optim.Betas);
    }

    [Theory]
    [InlineData("batch")]
    [InlineData("=3")]
    public void Load_MalformedSet_IsRefused(string assignment) =>
        Assert.Contains("--set", Assert.Throws<UsageException>(() => PretrainConfig.Load(Write("batch: 4\n"), [assignment])).Message);

    [Fact]
    public void Load_AbsentFile_NamesIt() => Assert.Contains("no/such.yaml", Assert.Throws<UsageException>(() => PretrainConfig.Load("no/such.yaml")).Message);

    [Fact]
    public void Load_NotYaml_NamesTheLine() => Assert.Contains("line 2", Assert.Throws<UsageException>(() => PretrainConfig.Load(Write("batch: 4\n  seed: 3\n"))).Message);

    [Fact]
    public void ToYaml_ReadBack_GivesTheSameTree()
    {
        var config = PretrainConfig.Load(Path.Combine(RepositoryRoot.Path, "configs/pretrain/xkd_mats_released.yaml"), ["optim.lr=0.00012345678901234567"]);
        var yaml = ConfigBinder.ToYaml(config);
        Assert.Equal(yaml, ConfigBinder.ToYaml(PretrainConfig.Load(Write(yaml))));
    }

    private string Write(string yaml)
    {
        var path = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(path, yaml);
        return path;
    }
}
