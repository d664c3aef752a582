using System.Globalization;

namespace Xkd.Cli.Hosting;

/// <summary>A number of bytes that is read and shown with its unit.</summary>
/// <param name="Bytes">At least 0.</param>
internal readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Name, long Bytes)[] Units = [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10)];

    /// <summary>The largest unit of which it is a whole number, such as <c>16GiB</c>.</summary>
    public override string ToString()
    {
        var bytes = Bytes;
        (var name, var unit) = Units.FirstOrDefault(u => bytes > 0 && bytes % u.Bytes == 0, ("B", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / unit}{name}");
    }
}
