namespace Xkd.Ingest;

/// <summary>Decodes sources.</summary>
internal interface IMediaDecoder
{
    /// <summary>Decodes one source; what is wrong with it is part of the outcome.</summary>
    Task<DecodeOutcome> DecodeAsync(SourceItem item, CancellationToken cancellationToken);
}
