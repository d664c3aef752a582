using System.Text;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Annotation files as text: UTF-8 with or without a byte order mark, lines ending either way.</summary>
internal static class AnnotationText
{
    /// <exception cref="UsageException">The file cannot be read.</exception>
    public static StreamReader Open(string path)
    {
        try
        {
            return new StreamReader(path, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, new FileStreamOptions { BufferSize = 1 << 16 });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {exception.Message}; allow reading it, or name another with --annotations.", exception);
        }
    }

    /// <summary>The lines that are not blank, without blanks around them.</summary>
    public static IEnumerable<(Place Place, string Text)> Lines(string path)
    {
        using var reader = Open(path);
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return (new Place(path, line), text.Trim());
            }
        }
    }
}
