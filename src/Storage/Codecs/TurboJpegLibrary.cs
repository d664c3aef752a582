using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>The C API of libjpeg-turbo that versions 1.5 to 3 have in common. 0 is success; memory that it allocates it also frees.</summary>
internal static unsafe partial class TurboJpegLibrary
{
    public const int Rgb = 0; // TJPF_RGB
    public const int HalfColour = 2; // TJSAMP_420
    public const int AccurateTransform = 4096; // TJFLAG_ACCURATEDCT

    private const string Name = "libturbojpeg.so.0";

    /// <summary>The library is installed: on Debian and Ubuntu the package libturbojpeg0 or libturbojpeg.</summary>
    public static bool IsPresent { get; } = NativeLibrary.TryLoad(Name, out var _);

    [LibraryImport(Name)]
    public static partial nint tjInitDecompress();

    [LibraryImport(Name)]
    public static partial nint tjInitCompress();

    [LibraryImport(Name)]
    public static partial int tjDestroy(nint handle);

    [LibraryImport(Name)]
    public static partial void tjFree(byte* buffer);

    [LibraryImport(Name)]
    public static partial byte* tjGetErrorStr2(nint handle);

    [LibraryImport(Name)]
    public static partial int tjDecompressHeader3(nint handle, byte* jpeg, nuint bytes, int* width, int* height, int* sampling, int* colours);

    [LibraryImport(Name)]
    public static partial int tjDecompress2(nint handle, byte* jpeg, nuint bytes, byte* pixels, int width, int pitch, int height, int format, int flags);

    [LibraryImport(Name)]
    public static partial int tjCompress2(nint handle, byte* pixels, int width, int pitch, int height, int format, byte** jpeg, nuint* bytes, int sampling, int quality, int flags);
}
