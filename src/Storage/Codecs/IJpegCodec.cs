namespace Xkd.Storage;

/// <summary>Encodes and decodes baseline JPEGs. One call at a time; whatever it holds is given back when it is disposed.</summary>
internal interface IJpegCodec : IDisposable
{
    /// <summary>Decodes into rgb24 <c>[height, width, 3]</c>.</summary>
    /// <exception cref="FailureException">Not a JPEG of that size.</exception>
    void Decode(ReadOnlySpan<byte> jpeg, int height, int width, Span<byte> rgb);

    /// <summary>Appends the JPEG of rgb24 <c>[height, width, 3]</c> with colours at half the resolution.</summary>
    void Encode(ReadOnlySpan<byte> rgb, int height, int width, int quality, Stream destination);
}
