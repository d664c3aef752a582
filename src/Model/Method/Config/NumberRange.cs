using System.Globalization;
using System.Numerics;

namespace Xkd.Model.Method;

/// <summary>
/// The numbers that an option or a configuration key takes. They are written alike in every country: a point before the decimals, nothing between thousands. Nothing that is not a number,
/// and nothing infinite, lies in a range.
/// </summary>
/// <param name="least">The smallest.</param>
/// <param name="most">The largest.</param>
/// <param name="above">Whether <paramref name="least"/> itself is too small.</param>
public sealed class NumberRange(double least, double most, bool above = false)
{
    /// <summary>Reads a number of the range.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="value">The number.</param>
    /// <param name="fix">What to write instead, where the result is false.</param>
    public bool TryRead<T>(string text, out T value, out string fix)
        where T : struct, INumber<T>
    {
        var whole = IsWhole(typeof(T));
        var plain = whole ? text.Replace("_", string.Empty, StringComparison.Ordinal) : text;
        var read = T.TryParse(plain, whole ? NumberStyles.AllowLeadingSign : NumberStyles.Float, CultureInfo.InvariantCulture, out value) && Holds(value);
        var without = text.Replace(",", whole ? string.Empty : ".", StringComparison.Ordinal);
        fix = read ? string.Empty : text.Contains(',', StringComparison.Ordinal) && TryRead(without, out T _, out _) ? $"write {without}" : $"write {Describe(typeof(T))}";
        return read;
    }

    /// <summary>What the range takes, in words.</summary>
    public string Describe(Type type)
    {
        string kind = IsWhole(type) ? "a whole number" : "a number", from = Text(least, type);
        var unbounded = most >= (IsWhole(type) ? long.MaxValue : double.MaxValue);
        return (above, unbounded) switch
        {
            (true, true) => $"{kind} above {from}",
            (true, false) => $"{kind} above {from}, at most {Text(most, type)}",
            (false, true) => $"{kind} from {from} up",
            (false, false) => $"{kind} from {from} to {Text(most, type)}",
        };
    }

    private static bool IsWhole(Type type) => type != typeof(double);

    private static string Text(double bound, Type type) => IsWhole(type)
        ? long.CreateSaturating(bound).ToString(CultureInfo.InvariantCulture)
        : bound.ToString("R", CultureInfo.InvariantCulture);

    private bool Holds<T>(T value)
        where T : struct, INumber<T> => (value > T.CreateSaturating(least) || (!above && value == T.CreateSaturating(least))) && value <= T.CreateSaturating(most);
}

/// <summary>The numbers that a configuration key takes; of a list, each of its numbers. Every numeric key has one.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WithinAttribute(double least, double most) : Attribute
{
    /// <summary>The smallest.</summary>
    public double Least => least;

    /// <summary>The largest.</summary>
    public double Most => most;

    /// <summary>Whether <see cref="Least"/> itself is too small. Default false.</summary>
    public bool Above { get; init; }

    /// <summary>Of a list of so many numbers: what each is, such as <c>from, to</c>. Default empty: any number of them.</summary>
    public string Items { get; init; } = string.Empty;

    /// <summary>No number of the list is smaller than the one before. Default false.</summary>
    public bool Rising { get; init; }

    /// <summary>Where one number is written for the list, it stands for each. Default false.</summary>
    public bool OneForAll { get; init; }

    /// <summary>Numbers of the list; 0: any.</summary>
    internal int Count => Items.Length == 0 ? 0 : Items.Split(',').Length;

    internal NumberRange Range => new(Least, Most, Above);
}
