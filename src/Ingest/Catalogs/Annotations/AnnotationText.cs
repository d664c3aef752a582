using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Annotation files as text: UTF-8 with or without a byte order mark, lines ending either way.</summary>
internal static class AnnotationText
{
    private const int BufferSize = 1 << 16;

    /// <summary>Opens a file whose bytes are text; that they are not is a mistake.</summary>
    /// <param name="path">The file, which may be a pipe.</param>
    /// <param name="mistakes">Takes the first line that is not text. Read as it is, it would make one label of two.</param>
    /// <param name="isText">Whether all is text.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UsageException">The file cannot be read.</exception>
    public static StreamReader Open(string path, AnnotationMistakes mistakes, out bool isText, CancellationToken cancellationToken)
    {
        Stream stream = OpenBytes(path);
        try
        {
            if (!stream.CanSeek)
            {
                stream = Copy(stream, cancellationToken); // a pipe is read once
            }

            var flaw = Flaw(stream, cancellationToken);
            isText = flaw is null;
            if (flaw is var (line, problem))
            {
                mistakes.Add(new Place(path, line), problem);
            }

            stream.Position = 0;
            return new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static MemoryStream Copy(Stream pipe, CancellationToken cancellationToken)
    {
        var copy = new MemoryStream();
        var buffer = new byte[BufferSize];
        for (int read; (read = pipe.Read(buffer)) > 0; cancellationToken.ThrowIfCancellationRequested())
        {
            copy.Write(buffer, 0, read);
        }

        pipe.Dispose();
        copy.Position = 0;
        return copy;
    }

    private static (int Line, string Problem)? Flaw(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        for (var (line, kept) = (1, 0); ; cancellationToken.ThrowIfCancellationRequested())
        {
            var read = stream.Read(buffer, kept, buffer.Length - kept);
            var text = buffer.AsSpan(0, kept + read);
            if (stream.Position == read && text is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            {
                return null; // the byte order mark of UTF-16, which is read as such
            }

            // The last character may go on in what is read next.
            var cut = read > 0 && Rune.DecodeLastFromUtf8(text, out _, out var last) == OperationStatus.NeedMoreData ? last : 0;
            var whole = text[..^cut];
            if (!Utf8.IsValid(whole) || whole.Contains((byte)0))
            {
                var bad = Bad(whole);
                return (line + whole[..bad].Count((byte)'\n'), whole[bad] == 0 ? "it has a zero byte; save the file as UTF-8 text" : $"it is not UTF-8 (byte 0x{whole[bad]:X2}); save the file as UTF-8");
            }

            if (read == 0)
            {
                return null;
            }

            line += whole.Count((byte)'\n');
            text[^cut..].CopyTo(buffer);
            kept = cut;
        }
    }

    // Where the first byte is that no text has.
    private static int Bad(ReadOnlySpan<byte> text)
    {
        var i = 0;
        while (text[i] != 0 && Rune.DecodeFromUtf8(text[i..], out _, out var length) == OperationStatus.Done)
        {
            i += length;
        }

        return i;
    }

    private static FileStream OpenBytes(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {exception.Message}; allow reading it, or name another with --annotations.", exception);
        }
    }

    /// <summary>The lines that are not blank, without blanks around them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mistakes">Takes what is wrong with it; a file that is no text has no lines.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static IEnumerable<(Place Place, string Text)> Lines(string path, AnnotationMistakes mistakes, CancellationToken cancellationToken)
    {
        using var reader = Open(path, mistakes, out var isText, cancellationToken);
        if (!isText)
        {
            yield break;
        }

        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return (new Place(path, line), text.Trim());
            }
        }
    }
}
