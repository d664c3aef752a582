namespace Xkd.Ingest;

/// <summary>What a catalog lists.</summary>
/// <param name="Items">In ordinal order of their ids, each id once.</param>
/// <param name="Notes">What a person must be told: files that no list names, clips without a file. One line each.</param>
public sealed record CatalogListing(IReadOnlyList<SourceItem> Items, IReadOnlyList<string> Notes);
