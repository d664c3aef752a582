namespace Xkd.Ingest;

/// <summary>A decoded source, or why there is none: exactly one is set.</summary>
internal readonly record struct DecodeOutcome(DecodedMedia? Media, ItemFailure? Failure)
{
    public static DecodeOutcome Failed(string stage, string reason, string detail) => new(null, new ItemFailure(stage, reason, detail));
}
