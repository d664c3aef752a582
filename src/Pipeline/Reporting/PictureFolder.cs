using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The folder that <c>inspect --clip … --out</c> names, with errors that a person can act on.</summary>
public static class PictureFolder
{
    /// <summary>Makes the folder, if it is not there.</summary>
    /// <exception cref="UsageException">It is a file, or lies where none may be made.</exception>
    public static void Make(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(File.Exists(folder) ? $"--out {folder} is a file: name a folder for the pictures" : $"--out {folder} cannot be made: {e.Message}: name a folder that can be written", e);
        }
    }

    /// <summary>Writes one file and returns its path.</summary>
    /// <exception cref="UsageException">The folder may not be written.</exception>
    /// <exception cref="FailureException">The disk failed, or is full.</exception>
    public static string Save(string folder, string name, byte[] content) => Save(folder, name, file => file.Write(content));

    /// <summary>The same of what need not fit into memory.</summary>
    public static string Save(string folder, string name, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var path = Path.Combine(folder, name);
        try
        {
            using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
            write(file);
            file.Flush();
            return path;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UsageException($"--out {folder}: {name} cannot be written: {e.Message}: name a folder that can be written", e);
        }
        catch (IOException e)
        {
            throw new FailureException($"--out {folder}: {name} cannot be written: {e.Message}: free the disk or name another folder, and run the same command again", e);
        }
    }
}
