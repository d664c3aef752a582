using Xkd.Model.Weights;

namespace Xkd.Experiments.AvDigits;

/// <summary>One row of the ablation: what it changes of the size's configuration.</summary>
/// <param name="Name">As typed after <c>--row</c>, and its folder.</param>
/// <param name="Title">As shown.</param>
/// <param name="Overrides"><c>key=value</c> of the pre-training configuration.</param>
internal sealed record AblationRow(string Name, string Title, IReadOnlyList<string> Overrides)
{
    private const string NoCrossModal = "objective.cmkd=0", NoAlignment = "objective.align=0";

    /// <summary>False: features of the freshly drawn networks.</summary>
    public bool Trained { get; init; } = true;

    /// <summary>The encoders that learn in this row, which are the ones probed.</summary>
    public IReadOnlyList<WeightModality> Modalities { get; init; } = [WeightModality.Video, WeightModality.Audio];

    public static AblationRow Untrained { get; } = new("untrained", "untrained", []) { Trained = false };

    /// <summary>What the others are measured against.</summary>
    public static AblationRow Reconstruction { get; } = new("recon", "reconstruction", [NoCrossModal, NoAlignment]);

    public static AblationRow Full { get; } = new("xkd", "XKD", []);

    /// <summary>Every row, in the order of the table.</summary>
    public static IReadOnlyList<AblationRow> All { get; } =
    [
        Untrained,
        new("recon-video", "reconstruction, video alone", [NoCrossModal, NoAlignment, "objective.recon_audio=0"]) { Modalities = [WeightModality.Video] },
        new("recon-audio", "reconstruction, audio alone", [NoCrossModal, NoAlignment, "objective.recon_video=0"]) { Modalities = [WeightModality.Audio] },
        Reconstruction,
        new("recon-align", "reconstruction and alignment", [NoCrossModal]),
        new("recon-kd", "reconstruction and distillation", [NoAlignment]),
        Full,
        new("xkd-unrefined", "XKD, teachers not refined", ["objective.refinement=none"]),
        new("xkd-local-teacher", "XKD, teachers see the first local view", ["objective.teacher_view=first_local"]),
        new("xkd-fixed-mmd", "XKD, MMD of fixed bandwidths", ["objective.mmd_bandwidth=fixed"]),
        new("mas", "XKD-MAS: one student backbone", ["variant=mas"]),
        new("mats", "XKD-MATS: one student and one teacher backbone", ["variant=mats"]),
    ];

    /// <summary>The three rows that the claim rests on.</summary>
    public static IReadOnlyList<AblationRow> Core { get; } = [Untrained, Reconstruction, Full];
}
