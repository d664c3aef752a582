using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>
/// How much of one <c>ledger/&lt;part&gt;.jsonl</c> belongs to a manifest. Lines past <see cref="Bytes"/> were written by a process
/// that died before its commit: they do not count, and are cut off when that part is next opened for writing.
/// </summary>
public sealed record LedgerPart
{
    public required string Part { get; init; }

    /// <summary>Whose file it is, where a store cannot keep two writers of one part apart for certain: each then writes one of its own. Otherwise empty.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Mark { get; init; }

    public required int Lines { get; init; }

    public required long Bytes { get; init; }

    /// <summary>SHA-256 of the first <see cref="Bytes"/> bytes, lower-case hex.</summary>
    public required string Sha256 { get; init; }
}
