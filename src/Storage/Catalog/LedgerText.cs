using System.Buffers;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>Ledger lines as text, and the one rule for which of two lines on an item counts.</summary>
internal static class LedgerText
{
    public static byte[] Write(IEnumerable<LedgerEntry> entries)
    {
        using MemoryStream text = new();
        WriteTo(text, entries);
        return text.ToArray();
    }

    /// <summary>Writes line by line: a ledger of millions of items is never in memory as text.</summary>
    public static void WriteTo(Stream output, IEnumerable<LedgerEntry> entries)
    {
        const int Enough = 1 << 16;
        ArrayBufferWriter<byte> lines = new(2 * Enough);
        using Utf8JsonWriter json = new(lines, new JsonWriterOptions { Encoder = StorageJson.Options.Encoder });
        foreach (var entry in entries)
        {
            JsonSerializer.Serialize(json, entry, StorageJson.Options);
            json.Flush();
            json.Reset();
            lines.Write("\n"u8);
            if (lines.WrittenCount >= Enough)
            {
                output.Write(lines.WrittenSpan);
                lines.ResetWrittenCount();
            }
        }

        output.Write(lines.WrittenSpan);
    }

    /// <summary>The lines, or those of the items that are wanted; the others are not taken apart.</summary>
    public static IEnumerable<LedgerEntry> Read(byte[] text, Func<string, bool>? isWanted = null)
    {
        for (var begin = 0; begin < text.Length;)
        {
            var end = Array.IndexOf(text, (byte)'\n', begin);
            end = end < 0 ? text.Length : end;
            var line = text.AsMemory(begin, end - begin);
            begin = end + 1;
            if (isWanted is not null && Id(line.Span) is { } id && !isWanted(id))
            {
                continue;
            }

            var entry = JsonSerializer.Deserialize<LedgerEntry>(line.Span, StorageJson.Options) ?? throw new JsonException("an empty ledger line");
            yield return entry is { Id.Length: > 0, Attempts: >= 0 } && !entry.Warnings.Contains(null!)
                ? entry
                : throw new JsonException("an item without an id, below 0 attempts, or a warning of null");
        }
    }

    private static string? Id(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader json = new(line);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isId = json.ValueTextEquals("id"u8);
            json.Read();
            if (isId)
            {
                return json.TokenType == JsonTokenType.String ? json.GetString() : null;
            }

            json.Skip();
        }

        return null;
    }

    /// <summary>Whether two lines say the same.</summary>
    public static bool AreSame(LedgerEntry line, LedgerEntry? other) =>
        other is not null && line.Warnings.SequenceEqual(other.Warnings) && line with { Warnings = other.Warnings } == other;

    /// <summary>Adds an entry: the later line holds, but a failure never replaces what was committed.</summary>
    public static void Merge(IDictionary<string, LedgerEntry> ledger, LedgerEntry entry)
    {
        if (!ledger.TryGetValue(entry.Id, out var known) || known.State != ItemState.Committed || entry.State != ItemState.Failed)
        {
            ledger[entry.Id] = entry;
        }
    }
}
