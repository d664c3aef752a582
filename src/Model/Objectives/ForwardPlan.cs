namespace Xkd.Model.Objectives;

/// <summary>What a forward pass needs: a term whose weight is 0 costs nothing, unless everything was asked for.</summary>
internal readonly record struct ForwardPlan(XkdOptions Options)
{
    private bool All => Options.ComputeUnweightedTerms;

    /// <summary>Local views, teachers, projectors, distillation.</summary>
    public bool CrossModal => All || Options.AlignWeight + Options.DistillationWeight > 0;

    public bool Alignment => All || Options.AlignWeight > 0;

    public bool VideoDecoder => All || (Options.ReconstructionWeight > 0 && Options.VideoReconstructionWeight > 0);

    public bool AudioDecoder => All || (Options.ReconstructionWeight > 0 && Options.AudioReconstructionWeight > 0);

    public bool VideoEncoder => CrossModal || VideoDecoder;

    public bool AudioEncoder => CrossModal || AudioDecoder;
}
