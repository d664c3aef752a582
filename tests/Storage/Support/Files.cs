namespace Xkd.Storage.Tests;

internal static class Files
{
    /// <summary>Inverts one bit of a byte in place.</summary>
    public static void Flip(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Seek(offset, SeekOrigin.Begin);
        var value = file.ReadByte();
        file.Seek(offset, SeekOrigin.Begin);
        file.WriteByte((byte)(value ^ 8));
    }
}
