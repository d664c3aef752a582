namespace Xkd.Cli.Demo;

/// <summary>A linear probe's accuracy on validation clips, percent.</summary>
internal sealed record ProbeScore(string Modality, double Untrained, double Trained);
