using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class PictureFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-pictures").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Make_PathIsAFile_NamesIt()
    {
        var file = Path.Combine(_folder, "taken");
        File.WriteAllText(file, "");
        Assert.Equal($"--out {file} is a file: name a folder for the pictures", Assert.Throws<UsageException>(() => PictureFolder.Make(file)).Message);

        var below = Path.Combine(file, "below");
        Assert.StartsWith($"--out {below} cannot be made: ", Assert.Throws<UsageException>(() => PictureFolder.Make(below)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_DiskFull_IsAFailureThatNamesFolderAndFile()
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "frames.png"), "/dev/full");
        var error = Assert.Throws<FailureException>(() => PictureFolder.Save(_folder, "frames.png", [1, 2, 3]));
        Assert.StartsWith($"--out {_folder}: frames.png cannot be written: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_NotAllowed_IsAUsageError()
    {
        // A folder in the file's place is refused as missing rights are, and to root too.
        Directory.CreateDirectory(Path.Combine(_folder, "audio.wav"));
        var error = Assert.Throws<UsageException>(() => PictureFolder.Save(_folder, "audio.wav", [1]));
        Assert.StartsWith($"--out {_folder}: audio.wav cannot be written: ", error.Message, StringComparison.Ordinal);
    }
}
