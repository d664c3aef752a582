namespace Xkd.Cli.Hosting;

/// <summary>Part <paramref name="Part"/> of <paramref name="Of"/>, both counted from 1.</summary>
internal readonly record struct Partition(int Part, int Of)
{
    public override string ToString() => $"{Part}/{Of}";
}
