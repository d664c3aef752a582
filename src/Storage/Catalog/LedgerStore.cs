using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>
/// The ledger in its store. Each part's file only grows; a manifest says how many of its bytes count, so lines and rows become visible by the
/// same one step: the manifest's name appearing.
/// </summary>
internal sealed class LedgerStore(ICacheStore store)
{
    /// <summary>Items settled by a manifest.</summary>
    /// <exception cref="CorruptCacheException">A part is shorter than, or other than, what was committed.</exception>
    public Dictionary<string, LedgerEntry> Read(Manifest manifest)
    {
        Dictionary<string, LedgerEntry> ledger = new(StringComparer.Ordinal);
        foreach (var entry in manifest.Ledger.SelectMany(Read))
        {
            LedgerText.Merge(ledger, entry);
        }

        return ledger;
    }

    /// <summary>The lines of a part that a manifest covers, checked.</summary>
    /// <exception cref="CorruptCacheException">The part is shorter than, or other than, what was committed, or no ledger.</exception>
    public List<LedgerEntry> Read(LedgerPart part)
    {
        var text = ReadCovered(part);
        List<LedgerEntry> entries = [];
        try
        {
            entries.AddRange(LedgerText.Read(text, text.Length));
        }
        catch (JsonException e)
        {
            throw new CorruptCacheException(PathOf(part), entries.Count, "ledger", "a line of the ledger", e.Message, e);
        }

        return entries.Count == part.Lines ? entries : throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Lines} lines", $"{entries.Count}");
    }

    private byte[] ReadCovered(LedgerPart part)
    {
        var text = store.TryRead(PathOf(part), part.Bytes) ?? throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes", "no file");
        if (text.Length < part.Bytes)
        {
            throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes", $"{text.Length} bytes");
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(text));
        return hash == part.Sha256 ? text : throw new CorruptCacheException(PathOf(part), null, "ledger", $"sha256 {part.Sha256}", hash);
    }

    /// <summary>Appends lines after what the manifest covers (a dead writer's lines are cut off) and syncs them.</summary>
    /// <returns>What a manifest that includes the lines has to say of this part.</returns>
    public LedgerPart Append(LedgerPart? covered, string part, IReadOnlyList<LedgerEntry> entries)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var before = covered?.Bytes ?? 0;
        if (covered is not null)
        {
            HashCovered(covered, hash);
        }

        var lines = LedgerText.Write(entries);
        var name = CacheLayout.Part(part, store.WriterMark);
        store.Append(name, covered is null ? name : PathOf(covered), before, lines);
        hash.AppendData(lines);
        return new LedgerPart
        {
            Part = part,
            Mark = store.WriterMark.Length > 0 ? store.WriterMark : null,
            Lines = (covered?.Lines ?? 0) + entries.Count,
            Bytes = before + lines.Length,
            Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()),
        };
    }

    /// <summary>Whether <c>ledger.jsonl</c> is up to date.</summary>
    public bool IsMerged(IReadOnlyDictionary<string, LedgerEntry> ledger)
    {
        using var found = store.TryOpen(CacheLayout.Ledger);
        if (found is null)
        {
            return false;
        }

        using var expected = SHA256.Create();
        using (CryptoStream text = new(Stream.Null, expected, CryptoStreamMode.Write))
        {
            LedgerText.WriteTo(text, Sorted(ledger));
        }

        return FileDigest.Of(found, CancellationToken.None).Sha256 == Convert.ToHexStringLower(expected.Hash!);
    }

    /// <summary>Brings <c>ledger.jsonl</c> up to date: one line per item, sorted by id.</summary>
    public void WriteMerged(IReadOnlyDictionary<string, LedgerEntry> ledger, string part) =>
        store.Replace(CacheLayout.Ledger, part, file => LedgerText.WriteTo(file, Sorted(ledger)));

    // The bytes of a part that a manifest covers, checked, into a hash that goes on.
    private void HashCovered(LedgerPart part, IncrementalHash hash)
    {
        using var file = store.TryOpen(PathOf(part)) ?? throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes", "no file");
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            var left = part.Bytes;
            for (var read = 1; read > 0 && left > 0; left -= read)
            {
                read = file.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
                hash.AppendData(buffer, 0, read);
            }

            var found = Convert.ToHexStringLower(hash.GetCurrentHash());
            if (left > 0 || found != part.Sha256)
            {
                throw new CorruptCacheException(PathOf(part), null, "ledger", $"{part.Bytes} bytes of sha256 {part.Sha256}", left > 0 ? $"{part.Bytes - left} bytes" : found);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static IEnumerable<LedgerEntry> Sorted(IReadOnlyDictionary<string, LedgerEntry> ledger) => ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal);

    private static string PathOf(LedgerPart part) => CacheLayout.Part(part.Part, part.Mark ?? "");
}
