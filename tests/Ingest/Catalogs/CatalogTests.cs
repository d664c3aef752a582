namespace Xkd.Ingest.Tests;

public sealed class CatalogTests : IDisposable
{
    private readonly DatasetFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void List_CarriageReturnsByteOrderMarkAndBlanks_ChangeNothing()
    {
        _folder.Media("train/playing_guitar/abc_000000_000010.mp4")
            .Raw("train.csv", "\uFEFFlabel,youtube_id,time_start,time_end,split\r\n\r\n \"playing guitar\" , abc ,0, 10 ,train \r\n   \r\n");

        var item = Assert.Single(_folder.List("kinetics400").Items);

        Assert.Equal(("abc_000000_000010", "playing guitar", "train", false), (item.Id, item.Label, item.Split, item.IsAbsent));
        Assert.Equal(_folder["train/playing_guitar/abc_000000_000010.mp4"], item.Path);
    }

    [Fact]
    public void List_RowTwice_CountsOnceAndIsNoted()
    {
        _folder.Media("abc_000000_000010.mp4", "spare.mp4").Text("train.csv", "label,youtube_id,time_start,time_end,split", "bowling,abc,0,10,train", "bowling,abc,0,10,train");

        var listing = _folder.List("kinetics400");

        Assert.Single(listing.Items);
        Assert.Equal(
            [$"1 media files under {_folder.Root} are in no list and are left out, such as spare.mp4", $"1 lines say again what an earlier one says and count once, such as {_folder["train.csv"]}, line 3"],
            listing.Notes);
    }

    [Fact]
    public void List_FileInAnotherClassesFolder_KeepsTheListsLabelAndIsNoted()
    {
        _folder.Media("bowling/abc_000000_000010.mp4", "bowling/def_000000_000010.mp4")
            .Text("val.csv", "label,youtube_id,time_start,time_end,split", "bowling,abc,0,10,validate", "tap dancing,def,0,10,validate").Media("tap_dancing/x.txt");

        var listing = _folder.List("kinetics-sound");

        Assert.Equal(["bowling", "tap dancing"], listing.Items.Select(static item => item.Label));
        Assert.Equal(["val", "val"], listing.Items.Select(static item => item.Split));
        Assert.Contains("1 files lie in the folder of another class", Assert.Single(listing.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void List_KineticsSound_HasThirtyTwoClasses()
    {
        Assert.Equal(32, KineticsSoundClasses.All.Count);
        string[] labels = [.. KineticsSoundClasses.All.Select(static name => name.Replace(' ', '_')), "abseiling", "playing recorder"];
        _folder.Text("train.csv", ["label,youtube_id,time_start,time_end,split", .. labels.Select(static (label, i) => $"{label},v{i},0,10,train")])
            .Media([.. labels.Select(static (_, i) => $"v{i}_0_10.webm")]);

        var listing = _folder.List("kinetics-sound");

        Assert.Equal(32, listing.Items.Count);
        Assert.Empty(listing.Notes);
        Assert.DoesNotContain(listing.Items, static item => item.IsAbsent || item.Label is "abseiling" or "playing recorder");
    }

    [Theory]
    [InlineData("-_abc123XYZ_30000.mp4", false)]
    [InlineData("-_abc123XYZ_30.mkv", false)]
    [InlineData("-_abc123XYZ_30000_40000.flac", false)]
    [InlineData("-_abc123XYZ_30_40.wav", false)]
    [InlineData("-_abc123XYZ_30.000.wav", false)]
    [InlineData("-_abc123XYZ_30.000_40.000.wav", false)]
    [InlineData("-_abc123XYZ_30.0_40.0.m4a", false)]
    [InlineData("-_abc123XYZ_000030.mp4", false)]
    [InlineData("-_abc123XYZ_000030_000040.mp4", false)]
    [InlineData("Y-_abc123XYZ_30000.mp4", false)]
    [InlineData("Y-_abc123XYZ.wav", true)]
    [InlineData("-_abc123XYZ.webm", true)]
    public void List_AudioSetSpelling_IsFound(string file, bool bare)
    {
        _folder.Media("audio/part 0/" + file, "audio/part 0/-_abc123XYZ_30000.info.json").Text("balanced_train_segments.csv", "-_abc123XYZ, 30.000, 40.000, \"/m/1,/m/2\"");

        var listing = _folder.List("audioset", split: "train");

        var item = Assert.Single(listing.Items);
        Assert.Equal(("-_abc123XYZ_30000", "balanced_train", false, bare), (item.Id, item.Split, item.IsAbsent, item.MayBeCut));
        Assert.Equal(_folder["audio/part 0/" + file], item.Path);
        Assert.Equal(bare ? (30, 40) : (null, null), (item.Start, item.End));
        Assert.Equal(["/m/1", "/m/2"], item.Labels);
        Assert.Contains("labels stay ids", Assert.Single(listing.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a_20_40.mp4")]
    [InlineData("a_30_50.mp4")]
    [InlineData("ba.mp4")]
    [InlineData("a title.mp4")]
    public void List_AudioSetOtherStretchOrVideo_IsNotTaken(string file)
    {
        _folder.Media(file, "b_0.wav").Text("eval_segments.csv", "a, 30.000, 40.000, \"/m/1\"", "b, 0.000, 10.000, \"/m/1\"");

        Assert.Equal([true, false], _folder.List("audioset").Items.Select(static item => item.IsAbsent));
    }

    [Fact]
    public void List_KineticsSeveralFilesOfAClip_AreAllTakenTheBestFirst()
    {
        _folder.Media("replacement/abc_000010_000020.mp4", "train/bowling/abc_000010_000020.mp4", "x/abc.mkv", "train/bowling/abc_000010_000020.mp4.mkv", "abc_000020_000030.mp4")
            .Text("train.csv", "label,youtube_id,time_start,time_end,split", "bowling,abc,10,20,train");

        var listing = _folder.List("kinetics400");

        var item = Assert.Single(listing.Items);
        Assert.Equal(
            ["train/bowling/abc_000010_000020.mp4", "train/bowling/abc_000010_000020.mp4.mkv", "replacement/abc_000010_000020.mp4", "x/abc.mkv"],
            item.Alternatives.Prepend(item).Select(file => Path.GetRelativePath(_folder.Root, file.Path)));
        Assert.Equal([null, null, null, 10], item.Alternatives.Prepend(item).Select(static file => file.Start));
        Assert.All(item.Alternatives, static file => Assert.Equal(("abc_000010_000020", "bowling", "train"), (file.Id, file.Label, file.Split)));
        Assert.Contains("1 media files", listing.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void List_FilesOfAListedNameInItsFolder_AreAlternativesAndThoseInOthersAreNot()
    {
        _folder.Media("audio/a.wav", "audio/a.mkv", "other/a.wav").Text("meta/esc50.csv", "filename,fold,target,category", "a.wav,1,0,dog");

        var item = Assert.Single(_folder.List("esc50").Items);

        Assert.Equal(("audio/a.mkv", "audio/a.mkv"), (item.Id, Path.GetRelativePath(_folder.Root, item.Path)));
        Assert.Equal(_folder["audio/a.wav"], Assert.Single(item.Alternatives).Path);
    }

    [Theory]
    [InlineData("a//b.mp4")]
    [InlineData("./a/./b.mp4")]
    [InlineData("a\\b.mp4")]
    [InlineData("x/../a/b.mp4")]
    public void List_CsvPathOtherwiseSpelled_IsThatFile(string path)
    {
        _folder.Media("a/b.mp4").Text("mine.csv", "path", path);

        var item = Assert.Single(_folder.List("csv").Items);

        Assert.Equal(("a/b.mp4", _folder["a/b.mp4"], false), (item.Id, item.Path, item.IsAbsent));
    }

    [Theory]
    [InlineData(".hidden/b.mp4")]
    [InlineData("a/.b.mp4")]
    [InlineData("z/b.mp4")]
    [InlineData(@"a/b\c.mp4")]
    public void List_CsvFileThatAWalkDoesNotMeet_IsThere(string path)
    {
        _folder.Media(".hidden/b.mp4", "a/.b.mp4", "a/b.mp4", @"a/b\c.mp4").Text("mine.csv", "path", path);
        Directory.CreateSymbolicLink(_folder["z"], _folder["a"]);

        var item = Assert.Single(_folder.List("csv").Items);

        Assert.Equal((path, false), (item.Id, item.IsAbsent));
    }

    [Fact]
    public void List_FileOfAListThatIsALinkToNothing_IsAbsent()
    {
        _folder.Media("b.mp4").Text("mine.csv", "path", "a.mp4", "b.mp4");
        File.CreateSymbolicLink(_folder["a.mp4"], _folder["gone"]);

        var listing = _folder.List("csv");

        Assert.Equal(["absent", null], listing.Items.Select(static item => item.Flaw?.Reason));
        Assert.Contains("1 of 2 listed clips have no file", listing.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void List_Utf16WithItsMark_IsRead()
    {
        File.WriteAllText(_folder.Media("a.mp4")["mine.csv"], "path,label\na.mp4,café\n", System.Text.Encoding.Unicode);

        Assert.Equal("café", Assert.Single(_folder.List("csv").Items).Label);
    }

    [Fact]
    public void List_AudioSetOntologyAlone_GivesTheNames()
    {
        _folder.Media("a_0.mp4").Text("eval_segments.csv", "a, 0.000, 10.000, \"/m/1\"").Text("ontology.json", """[{"id": "/m/1", "name": "Male speech, man speaking"}]""");

        Assert.Equal(["Male speech, man speaking"], Assert.Single(_folder.List("audioset").Items).Labels);
    }

    [Fact]
    public void List_SeveralFilesOfOneName_TakesVideoAndIsNoted()
    {
        _folder.Media("wav/a_0.wav", "z/a_0.mkv", "y/a_0.mkv").Text("eval_segments.csv", "a, 0.000, 10.000, \"/m/1\"");

        var listing = _folder.List("audioset");

        Assert.Equal(_folder["y/a_0.mkv"], Assert.Single(listing.Items).Path);
        Assert.Contains(listing.Notes, static note => note.StartsWith("1 clips have several files", StringComparison.Ordinal));
        Assert.DoesNotContain(listing.Notes, static note => note.Contains("in no list", StringComparison.Ordinal));
    }

    [Fact]
    public void List_AnnotationsBesideTheRoot_AreFoundWhereTheArchivesLeaveThem()
    {
        _folder.Media("UCF-101/Archery/v_a.mp4").Text("ucfTrainTestlist/trainlist01.txt", "Archery/v_a.avi 1", "Archery/v_b.avi 1").Text("ucfTrainTestlist/testlist01.txt", "Archery/v_c.avi");

        var above = _folder.List("ucf101").Items;
        var inside = _folder.List("ucf101", root: "UCF-101").Items;

        Assert.Equal(["UCF-101/Archery/v_a.mp4", "UCF-101/Archery/v_b.avi", "UCF-101/Archery/v_c.avi"], above.Select(static item => item.Id));
        Assert.Equal(["Archery/v_a.mp4", "Archery/v_b.avi", "Archery/v_c.avi"], inside.Select(static item => item.Id));
        Assert.Equal([false, true, true], inside.Select(static item => item.IsAbsent));
        Assert.Equal(["1:test"], inside[2].Folds);
        Assert.Equal(["Archery/v_c.avi"], Of(inside));

        static IEnumerable<string> Of(IEnumerable<SourceItem> items) => items.Where(static item => item.Folds.Contains("1:test", StringComparer.Ordinal)).Select(static item => item.Id);
    }

    [Fact]
    public void List_SplitThatIsAFoldsPart_TakesItsItems()
    {
        _folder.Media("audio/a.wav", "audio/b.wav").Text("meta/esc50.csv", "filename,fold,target,category", "a.wav,1,0,dog", "b.wav,2,0,dog");

        Assert.Equal("audio/b.wav", Assert.Single(_folder.List("esc50", split: "2:test").Items).Id);
    }

    [Fact]
    public void List_Fsd50kDev_TakesTrainAndVal()
    {
        _folder.Media("FSD50K.dev_audio/1.wav", "FSD50K.dev_audio/2.wav", "FSD50K.eval_audio/3.wav")
            .Text("FSD50K.ground_truth/dev.csv", "fname,labels,mids,split", "1,\"Bark,Dog\",\"/m/1,/m/2\",train", "2,Dog,/m/2,val").Text("FSD50K.ground_truth/eval.csv", "fname,labels,mids", "3,Dog,/m/2");

        Assert.Equal(["train", "val"], _folder.List("fsd50k", split: "dev").Items.Select(static item => item.Split));
        Assert.Equal(["FSD50K.dev_audio/1.wav", "FSD50K.dev_audio/2.wav", "FSD50K.eval_audio/3.wav"], _folder.List("fsd50k").Items.Select(static item => item.Id));
    }

    [Fact]
    public void List_Csv_TakesEveryColumn()
    {
        _folder.Media("data/a.mp4", "data/b.xyz")
            .Text("elsewhere/mine.csv", "path,labels,split,folds,start,end,id,_note", "data/a.mp4,x;y,train,1:train;2:test,1.5,3,,n", $"{_folder["data/b.xyz"]},,,,,,mine,");

        var items = _folder.List("csv", annotations: _folder["elsewhere/mine.csv"]).Items;

        Assert.Equal(["data/a.mp4@1500", "mine"], items.Select(static item => item.Id));
        Assert.Equal(["x", "y"], items[0].Labels);
        Assert.Equal(["1:train", "2:test"], items[0].Folds);
        Assert.Equal((1.5, 3, "train", null), (items[0].Start, items[0].End, items[0].Split, items[0].Label));
        Assert.Equal((_folder["data/b.xyz"], false), (items[1].Path, items[1].IsAbsent));
    }

    [Fact]
    public void List_CsvFoldNumbers_TestOnTheirOwnFold()
    {
        _folder.Media("a.wav", "b.wav").Text("mine.csv", "path,label,fold", "a.wav,x,1", "b.wav,x,2");

        Assert.Equal(["1:test 2:train", "1:train 2:test"], _folder.List("csv").Items.Select(static item => string.Join(' ', item.Folds)));
    }

    [Fact]
    public void List_CsvUnknownColumn_IsRefused() =>
        Assert.Contains("column lable is unknown", _folder.Media("a.wav").Text("mine.csv", "path,lable", "a.wav,x").Refused("csv"), StringComparison.Ordinal);
}
