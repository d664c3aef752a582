namespace Xkd.Ingest;

/// <summary>A line of an annotation file.</summary>
/// <param name="File">Full path.</param>
/// <param name="Line">Counted from 1.</param>
internal readonly record struct Place(string File, int Line)
{
    public override string ToString() => FormattableString.Invariant($"{File}, line {Line}");
}
