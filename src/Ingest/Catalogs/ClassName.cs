namespace Xkd.Ingest;

/// <summary>Class names as lists and folders spell them: "playing guitar" is "playing_guitar" is "Playing_Guitar".</summary>
internal static class ClassName
{
    /// <summary>Whether two spellings are of one class.</summary>
    public static bool Same(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        if (left.Length != right.Length)
        {
            return false;
        }

        for (var i = 0; i < left.Length; i++)
        {
            if (Folded(left[i]) != Folded(right[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The one spelling that stands for all.</summary>
    public static string Folded(string name) => string.Create(name.Length, name, static (folded, source) =>
    {
        for (var i = 0; i < folded.Length; i++)
        {
            folded[i] = Folded(source[i]);
        }
    });

    private static char Folded(char letter) => letter == '_' ? ' ' : char.ToLowerInvariant(letter);
}
