using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>
/// The folder that an export goes to. Files lie in a hidden folder within until <see cref="Commit"/> gives them their names; disposed before that,
/// nothing of them is left.
/// </summary>
internal sealed partial class ExportFolder : IDisposable
{
    /// <summary>The file that is there only when all others are.</summary>
    public const string ReadMe = "README.md";

    private const string Prefix = ".export-";
    private const string Data = "data";
    private readonly string _folder;
    private readonly string _staging;
    private readonly bool _made;

    public ExportFolder(string folder, bool force)
    {
        _folder = Path.GetFullPath(folder);
        _staging = Path.Combine(_folder, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():n}");
        try
        {
            _made = !Directory.Exists(_folder);
            if (!_made && !force && Directory.EnumerateFileSystemEntries(_folder).Any())
            {
                throw new UsageException($"--out {folder} is not empty: name another folder, or replace an earlier export by --force");
            }

            Directory.CreateDirectory(_staging);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out {folder} cannot be written to: {e.Message}: name a folder, absent or your own", e);
        }
    }

    /// <summary>Opens a new file.</summary>
    public FileStream Create(string name)
    {
        var path = Path.Combine(_staging, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20);
    }

    /// <summary>Names a file that is complete anew.</summary>
    public void Rename(string name, string final) => File.Move(Path.Combine(_staging, name), Path.Combine(_staging, final));

    /// <summary>Removes what an earlier export left, and gives all files their names.</summary>
    /// <returns>How many there are, and their bytes.</returns>
    public (int Files, long Bytes) Commit()
    {
        // The README goes first and comes last, so that whoever finds it finds everything.
        foreach (var old in Names(_folder).Where(name => OfAnExport().IsMatch(name)).OrderByDescending(name => name == ReadMe).ToArray())
        {
            File.Delete(Path.Combine(_folder, old));
        }

        if (Directory.Exists(Path.Combine(_folder, Data)) && !Directory.EnumerateFileSystemEntries(Path.Combine(_folder, Data)).Any())
        {
            Directory.Delete(Path.Combine(_folder, Data));
        }

        string[] names = [.. Names(_staging).OrderBy(name => name == ReadMe)];
        foreach (var name in names)
        {
            var path = Path.Combine(_folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Move(Path.Combine(_staging, name), path, overwrite: true);
            AtomicFile.SyncFolder(Path.GetDirectoryName(path)!);
        }

        Array.ForEach(Directory.GetDirectories(_folder, Prefix + "*"), stale => Directory.Delete(stale, recursive: true));
        return (names.Length, names.Sum(name => new FileInfo(Path.Combine(_folder, name)).Length));
    }

    /// <summary>Never throws.</summary>
    public void Dispose()
    {
        try
        {
            if (Directory.Exists(_staging))
            {
                Directory.Delete(_staging, recursive: true);
                if (_made)
                {
                    Directory.Delete(_folder);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed is hidden, and the next export removes it.
        }
    }

    private static IEnumerable<string> Names(string folder) =>
        new[] { folder, Path.Combine(folder, Data) }.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)
            .Select(path => Path.GetRelativePath(folder, path));

    [GeneratedRegex(@"^(README\.md|\d{6,}\.tar|data/\w+-\d{5,}-of-\d{5,}\.parquet)$", RegexOptions.ExplicitCapture)]
    private static partial Regex OfAnExport();
}
