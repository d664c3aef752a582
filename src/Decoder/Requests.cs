using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Xkd.Decoder;

/// <summary>
/// The paths to decode: each a length (int32, little endian) and UTF-8. They are read on a thread of their own, so that the end of the input,
/// which is the end of the program that started this one, ends this one even in the middle of a decoder that never returns.
/// </summary>
internal static partial class Requests
{
    /// <summary>Paths as they come; the process ends with its input.</summary>
    public static IEnumerable<string> Read(Stream input)
    {
        var paths = new BlockingCollection<string>();
        new Thread(() => Listen(input, paths)) { IsBackground = true }.Start();
        return paths.GetConsumingEnumerable();
    }

    private static void Listen(Stream input, BlockingCollection<string> paths)
    {
        var length = new byte[sizeof(int)];
        while (input.ReadAtLeast(length, length.Length, throwOnEndOfStream: false) == length.Length)
        {
            var path = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
            input.ReadExactly(path);
            paths.Add(Encoding.UTF8.GetString(path));
        }

        ExitNow(0); // nothing is waited for: the other thread may be in native code for good
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
