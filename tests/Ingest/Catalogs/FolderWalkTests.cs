using System.Diagnostics;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class FolderWalkTests : IDisposable
{
    private readonly DatasetFolder _folder = new();

    public void Dispose()
    {
        // .NET cannot remove them either.
        using var remove = Process.Start("rm", ["-rf", _folder.Root]);
        remove.WaitForExit();
        Directory.CreateDirectory(_folder.Root);
        _folder.Dispose();
    }

    [Fact]
    public void Files_LinksFromEveryFolderToEveryOther_AreEachListedOnce()
    {
        const int folders = 40;
        for (var i = 0; i < folders; i++)
        {
            _folder.Media($"{i:D2}/a.mp4", $"{i:D2}/below/b.mp4");
        }

        for (var i = 0; i < folders * folders; i++)
        {
            Directory.CreateSymbolicLink(_folder[$"{i / folders:D2}/l{i % folders}"], _folder[$"{i % folders:D2}"]);
        }

        var walk = new FolderWalk(_folder.Root, cache: null);

        Assert.Equal(2 * folders, walk.Files(TestContext.Current.CancellationToken).Count());
        Assert.Equal(folders * folders, walk.Repeated.Count);
    }

    [Fact]
    public void Files_LinksToOneFolderOutside_TakeTheFirstLinksName()
    {
        using var outside = new DatasetFolder();
        outside.Media("deep/a.mp4");
        foreach (var link in new[] { "m", "b", "z" })
        {
            Directory.CreateSymbolicLink(_folder[link], outside.Root);
        }

        Directory.CreateSymbolicLink(outside["deep/up"], outside.Root);
        Directory.CreateSymbolicLink(_folder["a"], outside["deep"]);
        var walk = new FolderWalk(_folder.Root, cache: null);

        Assert.Equal(_folder["a/a.mp4"], Path.Combine(Assert.Single(walk.Files(TestContext.Current.CancellationToken)) is var file ? file.Folder : "", file.Name));
    }

    [Fact]
    public void Files_LinksThatLeadNowhere_SaySo()
    {
        _folder.Media("a.mp4");
        File.CreateSymbolicLink(_folder["loop"], _folder["loop"]);
        File.CreateSymbolicLink(_folder["gone"], "/no/such/file");
        File.CreateSymbolicLink(_folder["below"], _folder["a.mp4/x"]);
        File.CreateSymbolicLink(_folder["good"], _folder["a.mp4"]);

        Assert.Equal(
            ["a.mp4 None", "below LeadsNowhere", "gone LeadsNowhere", "good None", "loop LeadsNowhere"],
            Files().Select(static file => $"{file.Name} {file.Flaw}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Files_NamesThatAreNotUtf8_AreToldApartAndShown()
    {
        Touch(@"b\377.mp4", @"b\376.mp4", @"caf\303\251 \351.mp4", @"caf\303\251.mp4", @"x\357\277\275.mp4", @"f\351/a.mp4", @"f\351/below/b.mp4");

        Assert.Equal(
            ["/b\\xFE.mp4 NotUtf8", "/b\\xFF.mp4 NotUtf8", "/café \\xE9.mp4 NotUtf8", "/café.mp4 None", "/f\\xE9/a.mp4 NotUtf8", "/f\\xE9/below/b.mp4 NotUtf8", "/x\uFFFD.mp4 None"],
            Files().Select(file => $"{file.Folder[_folder.Root.Length..]}/{file.Name} {file.Flaw}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Folder_NameNotUtf8AsAnotherFileIsCalled_HasAnIdOfItsOwn()
    {
        Touch(@"c/b\377.mp4", @"c/b\\xFF.mp4", @"c/b\\xFF.mp4~");

        var items = _folder.List("folder").Items;

        Assert.Equal([@"c/b\xFF.mp4", @"c/b\xFF.mp4~", @"c/b\xFF.mp4~~"], items.Select(static item => item.Id));
        Assert.Equal([null, null, "unreadable"], items.Select(static item => item.Flaw?.Reason));
    }

    [Fact]
    public void Audioset_ClipWhoseTitleIsNotUtf8_IsUnreadableAndNotAbsent()
    {
        Touch(@"caf\351 [--PJHxphWEs].mp4", "b_0.wav");
        _folder.Text("eval_segments.csv", "--PJHxphWEs, 0.000, 10.000, \"/m/1\"", "b, 0.000, 10.000, \"/m/1\"");

        var item = _folder.List("audioset").Items[0];

        Assert.Equal(("--PJHxphWEs_0", false, "catalog", "unreadable"), (item.Id, item.IsAbsent, item.Flaw?.Stage, item.Flaw?.Reason));
    }

    [Fact]
    public void Files_Cancelled_Ends()
    {
        using var stop = new CancellationTokenSource();
        _folder.Media("a/1.mp4", "b/2.mp4");
        using var files = new FolderWalk(_folder.Root, cache: null).Files(stop.Token).GetEnumerator();
        Assert.True(files.MoveNext());
        stop.Cancel();

        Assert.Throws<OperationCanceledException>(() => files.MoveNext());
    }

    [Fact]
    public void Files_FolderThatIsGone_IsNamed()
    {
        var gone = _folder["gone"];

        Assert.Contains($"the folder {gone} cannot be listed (No such file or directory)", Assert.Throws<UsageException>(() => new FolderWalk(gone, cache: null).Files(TestContext.Current.CancellationToken).Any()).Message, StringComparison.Ordinal);
    }

    private List<WalkedFile> Files() => [.. new FolderWalk(_folder.Root, cache: null).Files(TestContext.Current.CancellationToken)];

    // .NET cannot make such files. The names are printf's.
    private void Touch(params string[] names)
    {
        foreach (var name in names)
        {
            using var shell = Process.Start("sh", ["-c", "cd \"$1\" && file=$(printf \"$2\") && mkdir -p \"$(dirname \"$file\")\" && : > \"$file\"", "sh", _folder.Root, name]);
            shell.WaitForExit();
            Assert.Equal(0, shell.ExitCode);
        }
    }
}
