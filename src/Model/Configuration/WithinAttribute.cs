namespace Xkd.Model.Configuration;

/// <summary>The numbers that a configuration key takes; of a list, each of its numbers. Every numeric key has one.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WithinAttribute(double least, double most) : Attribute
{
    /// <summary>The smallest.</summary>
    public double Least => least;

    /// <summary>The largest.</summary>
    public double Most => most;

    /// <summary>Whether <see cref="Least"/> itself is too small. Default false.</summary>
    public bool Above { get; init; }

    internal NumberRange Range => new(Least, Most, Above);
}
