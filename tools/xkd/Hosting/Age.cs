namespace Xkd.Cli.Hosting;

/// <summary>How old something is at least.</summary>
internal readonly record struct Age(TimeSpan Time)
{
    public override string ToString() => Durations.Text(Time);
}
