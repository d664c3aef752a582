using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Xkd.Storage;

namespace Xkd.Model.Native;

/// <summary>
/// A copy of LibTorchSharp that loads where the system's libstdc++ is too old for it. TorchSharp 0.107 was built with GCC 13 and asks for GLIBCXX_3.4.32,
/// whose one symbol (<c>std::ios_base_library_init</c>) it never calls; Debian 12 and Ubuntu 22.04 have 3.4.30. This file can go once TorchSharp is built
/// against an older libstdc++, or when every system we support has GCC 13's.
/// </summary>
internal static class LibTorchSharpCopy
{
    public const string CacheVariable = "XKD_CACHE_DIR";

    private const string MissingVersion = "GLIBCXX_3.4.32";
    private const string MissingSymbol = "_ZSt21ios_base_library_initv";

    /// <summary>True where the system's libstdc++ lacks what LibTorchSharp asks for.</summary>
    public static bool IsNeeded() => NativeLibrary.TryLoad("libstdc++.so.6", out var handle) && !NativeLibrary.TryGetExport(handle, MissingSymbol, out _);

    /// <summary>Per-user cache folder: <c>XKD_CACHE_DIR</c>, or <c>~/.cache/xkd</c>.</summary>
    public static string DefaultCache() => Environment.GetEnvironmentVariable(CacheVariable) is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "xkd");

    /// <summary>Full path of a patched copy of <paramref name="library"/> beneath <paramref name="cache"/>, written if it is not there yet.</summary>
    /// <exception cref="UsageException">The folder cannot be written, or the library is not what it should be.</exception>
    public static string Ensure(string library, string cache)
    {
        try
        {
            var bytes = File.ReadAllBytes(library);
            if (ElfVersionNeeds.Weaken(bytes, MissingVersion) == 0)
                return library;

            // Keyed by content: another TorchSharp gets another name, so a copy is never overwritten while a process maps it.
            var key = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
            var folder = Path.Combine(Path.GetFullPath(cache), "native", key);
            var copy = Path.Combine(folder, Path.GetFileName(library));
            if (File.Exists(copy) && File.ReadAllBytes(copy).AsSpan().SequenceEqual(bytes))
                return copy;

            Directory.CreateDirectory(folder);
            Write(copy, bytes);
            return copy;
        }
        catch (Exception e) when (e is InvalidDataException or OverflowException)
        {
            throw new UsageException($"{library} is not a usable library ({e.Message}): restore the TorchSharp package again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot keep a copy of {library} under {cache} ({e.Message}): set {CacheVariable} to a folder that can be written.", e);
        }
    }

    private static void Write(string copy, byte[] bytes)
    {
        // Two processes may start at once: each writes its own file, and rename makes one of two identical files win.
        var temporary = $"{copy}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, copy, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
