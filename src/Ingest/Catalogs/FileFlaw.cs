namespace Xkd.Ingest;

/// <summary>What a listing already shows to be wrong with a file: it is not tried.</summary>
internal enum FileFlaw : byte
{
    None,

    /// <summary>Its name, or a folder's above it, is not UTF-8, so that it cannot be opened by it; the bytes that are none are written <c>\xE9</c>.</summary>
    NotUtf8,

    /// <summary>It is a link to nothing.</summary>
    LeadsNowhere,
}
