using System.Security.Cryptography;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>
/// The ledger on disk. Each part's file only grows; a manifest says how many of its bytes count, so lines and rows become visible by the
/// same one step: the manifest's name appearing.
/// </summary>
internal sealed class LedgerStore(CacheLayout layout, IFileSystem files)
{
    /// <summary>Items settled by a manifest.</summary>
    /// <exception cref="CorruptCacheException">A part is shorter than, or other than, what was committed.</exception>
    public Dictionary<string, LedgerEntry> Read(Manifest manifest)
    {
        Dictionary<string, LedgerEntry> ledger = new(StringComparer.Ordinal);
        foreach (LedgerPart part in manifest.Ledger)
        {
            byte[] text = ReadCovered(part);
            try
            {
                foreach (LedgerEntry entry in LedgerText.Read(text, text.Length))
                {
                    LedgerText.Merge(ledger, entry);
                }
            }
            catch (JsonException e)
            {
                throw new CorruptCacheException(PathOf(part), null, "ledger", "one JSON object a line", e.Message, e);
            }
        }

        return ledger;
    }

    /// <summary>The bytes of a part that a manifest covers, checked.</summary>
    public byte[] ReadCovered(LedgerPart part)
    {
        string path = layout.Part(part.Part);
        if (!File.Exists(path))
        {
            throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes", "no file");
        }

        byte[] text = new byte[part.Bytes];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        int read = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        if (read < text.Length)
        {
            throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes", $"{read} bytes");
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(text));
        return hash == part.Sha256 ? text : throw new CorruptCacheException(PathOf(part), null, "ledger", $"sha256 {part.Sha256}", hash);
    }

    /// <summary>Appends lines after what the manifest covers (a dead writer's lines are cut off) and syncs them.</summary>
    /// <returns>What a manifest that includes the lines has to say of this part.</returns>
    public LedgerPart Append(LedgerPart? covered, string part, IReadOnlyList<LedgerEntry> entries)
    {
        byte[] before = covered is null ? [] : ReadCovered(covered);
        byte[] lines = LedgerText.Write(entries);
        using (Stream file = files.OpenAt(layout.Part(part), before.Length))
        {
            file.Write(lines);
        }

        files.SyncFile(layout.Part(part));
        files.SyncDirectory(layout.Ledgers);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(before);
        hash.AppendData(lines);
        return new LedgerPart
        {
            Part = part,
            Lines = (covered?.Lines ?? 0) + entries.Count,
            Bytes = before.Length + lines.Length,
            Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()),
        };
    }

    /// <summary>Brings <c>ledger.jsonl</c> up to date: one line per item, sorted by id. Written only when it differs.</summary>
    public void WriteMerged(IReadOnlyDictionary<string, LedgerEntry> ledger, string part)
    {
        byte[] text = LedgerText.Write(ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal));
        if (File.Exists(layout.Ledger) && new FileInfo(layout.Ledger).Length == text.Length && File.ReadAllBytes(layout.Ledger).AsSpan().SequenceEqual(text))
        {
            return;
        }

        string temporary = CacheLayout.Temporary(layout.Ledger, part);
        files.Delete(temporary);
        using (Stream file = files.CreateNew(temporary))
        {
            file.Write(text);
        }

        files.SyncFile(temporary);
        files.Rename(temporary, layout.Ledger);
        files.SyncDirectory(layout.Root);
    }

    private static string PathOf(LedgerPart part) => $"ledger/{part.Part}.jsonl";
}
