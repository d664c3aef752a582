namespace Xkd.Storage;

/// <summary>One thing found wrong, as in <c>verify --json</c>.</summary>
/// <param name="Shard">File below the cache folder: a shard, a manifest or a ledger part.</param>
/// <param name="Row">Row in the shard; null when the damage is not within one row.</param>
/// <param name="Column">Column, or the part of the file: <c>header</c>, <c>footer</c>, <c>file</c>, <c>manifest</c>, <c>ledger</c>.</param>
/// <param name="Expected">What was committed.</param>
/// <param name="Got">What is there.</param>
public sealed record VerifyError(string Shard, long? Row, string Column, string Expected, string Got);
