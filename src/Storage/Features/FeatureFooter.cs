using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Xkd.Storage;

/// <summary>
/// The check of a feature file's footer, within the footer itself: an XXH3 in hexadecimal, of the footer with zeros in its place. With those of the row groups, every byte of a file is
/// checked before it is made sense of.
/// </summary>
internal static class FeatureFooter
{
    /// <summary>What the footer's metadata hold until it is sealed.</summary>
    public const string Open = Mark + "0000000000000000";

    private const string Mark = "footer:";
    private const int Digits = 16, LengthAndMagic = 8, MostBytes = 1 << 28;

    /// <summary>Puts the check into its place.</summary>
    public static void Seal(FileStream file)
    {
        (var footer, var start) = Read(file) ?? throw new InvalidOperationException("the footer was just written");
        var at = Place(footer) ?? throw new InvalidOperationException("the footer was written with an open check");
        RandomAccess.Write(file.SafeFileHandle, Encoding.ASCII.GetBytes(XxHash3.HashToUInt64(footer).ToString("x16", CultureInfo.InvariantCulture)), start + at);
    }

    /// <summary>Holds the footer against its check, where it has one.</summary>
    /// <exception cref="FailureException">It is another than was written.</exception>
    public static void Verify(string path, FileStream file)
    {
        if (Read(file) is not var (footer, _) || Place(footer) is not int at)
        {
            return;
        }

        var said = Encoding.ASCII.GetString(footer, at, Digits);
        footer.AsSpan(at, Digits).Fill((byte)'0');
        var got = XxHash3.HashToUInt64(footer).ToString("x16", CultureInfo.InvariantCulture);
        if (got != said)
        {
            throw new FailureException($"{path} is damaged: the XXH3 of its footer is {got}, {said} was written; extract the features again");
        }
    }

    // Footer, its length, and the magic bytes; null where there is no footer of that length.
    private static (byte[] Footer, long Start)? Read(FileStream file)
    {
        var tail = new byte[LengthAndMagic];
        var length = RandomAccess.GetLength(file.SafeFileHandle);
        if (length < LengthAndMagic || RandomAccess.Read(file.SafeFileHandle, tail, length - LengthAndMagic) != LengthAndMagic)
        {
            return null;
        }

        var start = length - LengthAndMagic - BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (start < 0 || length - start > MostBytes)
        {
            return null;
        }

        var footer = new byte[length - start];
        return RandomAccess.Read(file.SafeFileHandle, footer, start) == footer.Length ? (footer, start) : null;
    }

    private static int? Place(ReadOnlySpan<byte> footer)
    {
        var at = footer.IndexOf(Encoding.ASCII.GetBytes(Mark)) + Mark.Length;
        return at >= Mark.Length && at + Digits <= footer.Length ? at : null;
    }
}
