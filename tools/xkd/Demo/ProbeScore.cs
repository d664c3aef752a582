namespace Xkd.Cli.Demo;

/// <summary>A linear probe's accuracy on validation clips, percent: of features before training, after reconstruction alone, and after all of XKD.</summary>
internal sealed record ProbeScore(string Modality, double Untrained, double Reconstruction, double Xkd);
