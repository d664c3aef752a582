namespace Xkd.Model.Configuration;

/// <summary>What every evaluation protocol says: <c>configs/eval/PROTOCOL/DATASET.yaml</c>.</summary>
public abstract record EvaluationConfig
{
    /// <summary>Name written into the results. Default folder.</summary>
    public string Dataset { get; init; } = "folder";

    /// <summary>Which encoders; the command's <c>--modality</c> overrides it. Default video.</summary>
    public EvaluationModality Modality { get; init; } = EvaluationModality.Video;

    /// <summary>One class a clip, or several. Default single.</summary>
    public LabelKind Labels { get; init; } = LabelKind.Single;

    /// <summary>Windows per training step or forward pass. Default 16.</summary>
    [Within(1, 65_536)]
    public int Batch { get; init; } = 16;

    /// <summary>Seed of everything drawn. Default 0.</summary>
    [Within(0, long.MaxValue)]
    public long Seed { get; init; }

    /// <summary>Height and width of the frames, pixels; an encoder of another size has its positions interpolated. Default null: the encoder's own.</summary>
    [Within(1, 4096)]
    public int? FrameSize { get; init; }

    /// <summary>Which rule the cached frames must have been made by; any takes caches of older versions, too. Default on_screen.</summary>
    public FrameRule FrameRule { get; init; } = FrameRule.OnScreen;

    /// <summary>At most this many classes are used, the first by name (multi-label: only clips of them). Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int MaxClasses { get; init; }

    /// <summary>At most this many training clips of each class are used, drawn by the seed; multi-label: this many times the number of classes. Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int MaxTrainClips { get; init; }

    /// <summary>As <see cref="MaxTrainClips"/>, of the test clips. Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int MaxTestClips { get; init; }

    public SplitSection Split { get; init; } = new();

    public TrainViewSection Train { get; init; } = new();

    public TestViewSection Test { get; init; } = new();

    public EncoderSection Encoder { get; init; } = new();
}
