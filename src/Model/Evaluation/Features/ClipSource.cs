using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Which clips are segments of one recording (see <see cref="SegmentId"/>): they resemble each other more than clips of other recordings.</summary>
internal static class ClipSource
{
    private const int ValuesLooked = 16;

    /// <summary>The id without a segment's number.</summary>
    public static string Of(string id) => SegmentId.Split(id).Item;

    /// <summary>The same for the segments of one recording, and for no others: 64 bits of a hash, which take less memory than a million names.</summary>
    public static ulong Key(string id) => Hash(Encoding.UTF8.GetBytes(Of(id)));

    /// <summary>The same for a row that two feature files share: of this id and these features.</summary>
    public static ulong Row(string id, ReadOnlySpan<float> features) =>
        Hash([.. Encoding.UTF8.GetBytes(id), 0, .. MemoryMarshal.AsBytes(features[..Math.Min(ValuesLooked, features.Length)])]);

    private static ulong Hash(byte[] bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes));
}
