namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="StreamedSvm"/>.</summary>
internal sealed record StreamedSvmOptions
{
    /// <summary>The problem. Tolerance and the number of passes are of passes over the whole file.</summary>
    public LinearSvmOptions Svm { get; init; } = new() { Tolerance = 1e-3, MaxIterations = 50 };

    /// <summary>Bytes of a block of rows; two are held. Default 64 MiB.</summary>
    public long BlockBytes { get; init; } = 64L << 20;

    /// <summary>Bytes of dual variables, one float64 a row and class, held at once. Default 256 MiB.</summary>
    public long DualBytes { get; init; } = 256L << 20;
}
