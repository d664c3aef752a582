using System.Runtime.InteropServices;

namespace Xkd.Decoder;

/// <summary>The pipe to the program that started this one.</summary>
internal static partial class Pipe
{
    private const int SetPipeSize = 1031;
    private const int Bytes = 1 << 20;

    /// <summary>Lets more bytes wait in the pipe, so that both sides switch less often; where the system's limit is lower it stays as it is.</summary>
    public static void Widen(int descriptor) => _ = Fcntl(descriptor, SetPipeSize, Bytes);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command, int argument);
}
