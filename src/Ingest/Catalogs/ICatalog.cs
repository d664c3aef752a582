namespace Xkd.Ingest;

/// <summary>Lists a dataset's sources, always in the same order. Whether the media can be decoded is not the catalog's concern.</summary>
public interface ICatalog
{
    /// <summary>The items in ordinal order of their ids, each id once.</summary>
    /// <param name="cancellationToken">Ends the listing, which may take minutes on a network's file system.</param>
    /// <exception cref="Storage.UsageException">The root or the annotations are missing, empty or malformed.</exception>
    CatalogListing List(CancellationToken cancellationToken = default);
}
