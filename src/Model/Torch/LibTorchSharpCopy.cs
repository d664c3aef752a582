using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Torch;

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
            {
                return library;
            }

            // Keyed by content: another TorchSharp gets another name, so a copy is never overwritten while a process maps it.
            var key = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
            var folder = Path.Combine(Path.GetFullPath(cache), "native", key);
            var copy = Path.Combine(folder, Path.GetFileName(library));
            if (File.Exists(copy) && File.ReadAllBytes(copy).AsSpan().SequenceEqual(bytes))
            {
                return copy;
            }

            AtomicFile.Write(copy, stream => stream.Write(bytes)); // two processes may start at once: one of two identical files remains
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
}

/// <summary>
/// Marks a symbol version an ELF library needs as weak, so that the dynamic linker accepts a library that does not define it.
/// Layout: System V ABI, "Symbol Versioning" (Linux Standard Base Core, chapter 10.7).
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint NeededVersions = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 0x2;                // VER_FLG_WEAK

    /// <summary>Marks every need of <paramref name="version"/> weak in place; the number of needs changed.</summary>
    /// <exception cref="InvalidDataException">Not a little-endian 64-bit ELF file, or its tables point outside the file.</exception>
    public static int Weaken(Span<byte> library, string version)
    {
        if (library.Length < 64 || !library[..4].SequenceEqual("\u007fELF"u8) || library[4] != 2 || library[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF library");
        }

        var hash = Hash(version);
        var sections = Offset(library, 0x28);
        int entrySize = Word16(library, 0x3A), count = Word16(library, 0x3C);
        var changed = 0;
        for (var section = 0; section < count; section++)
        {
            var header = checked(sections + (section * entrySize));
            if (Word32(library, header + 4) == NeededVersions)
            {
                changed += WeakenTable(library, Offset(library, header + 0x18), Word32(library, header + 0x2C), hash);
            }
        }

        return changed;
    }

    private static int WeakenTable(Span<byte> library, int need, uint needs, uint hash)
    {
        var changed = 0;
        for (var i = 0u; i < needs; i++)
        {
            int versions = Word16(library, need + 2);
            var entry = checked(need + (int)Word32(library, need + 8));
            for (var v = 0; v < versions; v++)
            {
                if (Word32(library, entry) == hash)
                {
                    var flags = (ushort)(Word16(library, entry + 4) | Weak);
                    BinaryPrimitives.WriteUInt16LittleEndian(library[(entry + 4)..], flags);
                    changed++;
                }

                // An offset of zero ends a list, whatever the count says: a damaged count must not loop on the last entry.
                var nextEntry = Word32(library, entry + 12);
                if (nextEntry == 0)
                {
                    break;
                }

                entry = checked(entry + (int)nextEntry);
            }

            var next = Word32(library, need + 12);
            if (next == 0)
            {
                break;
            }

            need = checked(need + (int)next);
        }

        return changed;
    }

    // The System V ABI's symbol hash.
    internal static uint Hash(string name)
    {
        uint hash = 0;
        foreach (var character in Encoding.ASCII.GetBytes(name))
        {
            hash = (hash << 4) + character;
            var high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }

    private static ushort Word16(ReadOnlySpan<byte> library, int at) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(library, at, 2));

    private static uint Word32(ReadOnlySpan<byte> library, int at) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(library, at, 4));

    private static int Offset(ReadOnlySpan<byte> library, int at) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(Slice(library, at, 8)));

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> library, int at, int length) => at >= 0 && at <= library.Length - length
        ? library.Slice(at, length)
        : throw new InvalidDataException($"the ELF tables point outside the file (offset {at} of {library.Length} bytes)");
}
