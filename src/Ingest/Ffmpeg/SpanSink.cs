namespace Xkd.Ingest;

/// <summary>Receives the next bytes of a stream; they are only valid during the call.</summary>
internal delegate void SpanSink(ReadOnlySpan<byte> bytes);
