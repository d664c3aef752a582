namespace Xkd.Ingest.Tests;

public sealed class AnnotationMistakeTests : IDisposable
{
    private const string KineticsHeader = "label,youtube_id,time_start,time_end,split";
    private readonly DatasetFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bowling,abc,10,twenty,train", "time_end twenty is no number")]
    [InlineData("bowling,abc,-1,20,train", "time_start -1 is no number")]
    [InlineData("bowling,abc,20,20,train", "time_end 20 is not after time_start 20")]
    [InlineData("bowling,abc,,20,train", "time_start is empty")]
    [InlineData("bowling,,10,20,train", "youtube_id is empty")]
    [InlineData(",abc,10,20,train", "abc has no label")]
    [InlineData("bowling,abc,10,20", "4 fields where the header has 5")]
    [InlineData("playing guitar, loud,abc,10,20,train", "6 fields where the header has 5")]
    [InlineData("\"bowling,abc,10,20,train", "a quote is opened and never closed")]
    [InlineData("bow\"ling,abc,10,20,train", "a stray quote in bow\"ling")]
    [InlineData("archery,good,0,10,train", "listed otherwise in")]
    public void List_KineticsRow_IsNamedWithItsLine(string row, string problem)
    {
        _folder.Media("train/bowling/good_000000_000010.mp4").Text("train.csv", KineticsHeader, "bowling,good,0,10,train", "", row);

        var error = _folder.Refused("kinetics400");

        Assert.Contains("1 mistake in the annotations of kinetics400", error, StringComparison.Ordinal);
        Assert.Contains($"{_folder["train.csv"]}, line 4: ", error, StringComparison.Ordinal);
        Assert.Contains(problem, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc, 0.000, 10.000", "3 fields")]
    [InlineData("abc, 0.000, x, \"/m/1\"", "end_seconds x is no number")]
    [InlineData("abc, 10.000, 0.000, \"/m/1\"", "end_seconds 0.000 is not after")]
    [InlineData("abc, 0.000, 10.000, \"/m/1,/m/9\"", "label /m/9 is in neither")]
    [InlineData("abc, 0.000, 10.000, \"\"", "no label")]
    [InlineData("abc, 0.000, 10.000, /m/1,/m/2", "5 fields")]
    public void List_AudioSetRow_IsNamedWithItsLine(string row, string problem)
    {
        _folder.Media("good_0.mp4")
            .Text("class_labels_indices.csv", "index,mid,display_name", "0,/m/1,\"Male speech, man speaking\"", "1,/m/2,Dog")
            .Text("eval_segments.csv", "# made up", "# YTID, start_seconds, end_seconds, positive_labels", "good, 0.000, 10.000, \"/m/1,/m/2\"", row);

        Names("audioset", "eval_segments.csv", 4, problem);
    }

    [Theory]
    [InlineData("Archery/v_b.avi", "has no class number")]
    [InlineData("Archery/v_b.avi 2", "class number 2, which classInd.txt says is Bowling; Archery is 1")]
    [InlineData("Curling/v_b.avi 3", "class Curling is not in classInd.txt")]
    [InlineData("v_b.avi 1", "is not CLASS/FILE.avi")]
    [InlineData("Archery/v_a.avi 1", "listed again for fold 1: train here, train in")]
    [InlineData("Archery/v_t.avi 1", "listed again for fold 1: ")]
    public void List_Ucf101Line_IsNamedWithItsLine(string line, string problem)
    {
        _folder.Media("Archery/v_a.avi").Text("lists/classInd.txt", "1 Archery", "2 Bowling").Text("lists/testlist01.txt", "Archery/v_t.avi")
            .Text("lists/trainlist01.txt", "Archery/v_a.avi 1", line);

        Names("ucf101", "lists/trainlist01.txt", 2, problem);
    }

    [Theory]
    [InlineData("b.avi 3", "is not a file's name and 0, 1 or 2")]
    [InlineData("b.avi", "is not a file's name and 0, 1 or 2")]
    [InlineData("a.avi 2", "listed again for fold 1: test here, train in")]
    public void List_Hmdb51Line_IsNamedWithItsLine(string line, string problem)
    {
        _folder.Media("wave/a.avi").Text("splits/wave_test_split1.txt", "a.avi 1 ", line);

        Names("hmdb51", "splits/wave_test_split1.txt", 2, problem);
    }

    [Fact]
    public void List_Hmdb51ClassWithoutAFold_NamesClassAndFolds()
    {
        _folder.Media("wave/a.avi").Text("wave_test_split1.txt", "a.avi 1").Text("wave_test_split2.txt", "a.avi 2").Text("wave_by_test_split1.txt", "c.avi 1");

        Assert.Contains("class wave_by has lists for the folds 1, others for 1, 2", _folder.Refused("hmdb51"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b.wav,6,0,dog", "fold 6 of b.wav is not 1 to 5")]
    [InlineData("b.wav,,0,dog", "fold  of b.wav is not 1 to 5")]
    [InlineData(",1,0,dog", "may not be empty")]
    [InlineData("b.wav,1,1,dog", "has target 1, in ")]
    public void List_Esc50Row_IsNamedWithItsLine(string row, string problem)
    {
        _folder.Media("audio/a.wav").Text("meta/esc50.csv", "filename,fold,target,category", "a.wav,1,0,dog", row);

        Names("esc50", "meta/esc50.csv", 3, problem);
    }

    [Theory]
    [InlineData("2,Bark,/m/1,test", "split test of 2 is neither train nor val")]
    [InlineData("2,Meow,/m/1,val", "label Meow of 2 is not in vocabulary.csv")]
    [InlineData("2,\"Bark,Dog\",\"/m/1,/m/1\",val", "have the mids /m/1,/m/2 in vocabulary.csv, not /m/1,/m/1")]
    [InlineData("2,,,val", "may not be empty")]
    public void List_Fsd50kRow_IsNamedWithItsLine(string row, string problem)
    {
        _folder.Media("FSD50K.dev_audio/1.wav").Text("FSD50K.ground_truth/vocabulary.csv", "0,Bark,/m/1", "1,Dog,/m/2").Text("FSD50K.ground_truth/eval.csv", "fname,labels,mids")
            .Text("FSD50K.ground_truth/dev.csv", "fname,labels,mids,split", "1,Bark,/m/1,train", row);

        Names("fsd50k", "FSD50K.ground_truth/dev.csv", 3, problem);
    }

    [Theory]
    [InlineData("../b.mp4,x,1,,", "leads out of --root")]
    [InlineData(",x,1,,", "path is empty")]
    [InlineData("a.mp4,x,zero,,", "fold zero is not a number")]
    [InlineData("a.mp4,x,1,4,2", "end 2 is not after start 4")]
    public void List_CsvRow_IsNamedWithItsLine(string row, string problem)
    {
        _folder.Media("a.mp4").Text("mine.csv", "path,label,fold,start,end", "a.mp4,x,1,,", row);

        Names("csv", "mine.csv", 3, problem);
    }

    [Theory]
    [InlineData("a.mp4,0,3,", "a.mp4@0 is listed otherwise in ", "(end 2 there, 3 here); keep one of the two, or give each an id of its own in a column id")]
    [InlineData("b.mp4,4,5,same", "same is listed otherwise in ", "(a.mp4 there, b.mp4 here; start 3 there, 4 here; end 4 there, 5 here)")]
    [InlineData("a.mp4,NaN,3,", "start NaN is no number of seconds", "")]
    [InlineData("a.mp4,0,Infinity,", "end Infinity is no number of seconds", "")]
    [InlineData("a.mp4,-1,3,", "start -1 is no number of seconds", "")]
    [InlineData("a.mp4,0,1e300,", "end 1e300 is no number of seconds", "")]
    [InlineData("a.mp4,1e10,2e10,", "start 1e10 is no number of seconds", "")]
    [InlineData("a.mp4,3,,", "end is empty", "")]
    public void List_CsvStretch_IsNamedWithItsLine(string row, string problem, string more)
    {
        _folder.Media("a.mp4", "b.mp4").Text("mine.csv", "path,start,end,id", "a.mp4,0,2,", "a.mp4,3,4,same", row);

        Names("csv", "mine.csv", 4, problem);
        Assert.Contains(more, _folder.Refused("csv"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("csv", "mine.csv", "path,label\na.mp4,caf", "\nb.mp4,z\n", 2)]
    [InlineData("kinetics400", "train.csv", KineticsHeader + "\n\nbowl", "ing,abc,0,10,train\n", 3)]
    [InlineData("audioset", "eval_segments.csv", "# made up", "\nabc, 0.000, 10.000, \"/m/1\"\n", 1)]
    [InlineData("ucf101", "trainlist01.txt", "Archery/v_a.avi 1\nBowling/v_", ".avi 2\n", 2)]
    [InlineData("hmdb51", "wave_test_split1.txt", "a.avi 1\n\n\nb", ".avi 1\n", 4)]
    [InlineData("esc50", "esc50.csv", "filename,fold,target,category\na.wav,1,0,do", "\n", 2)]
    [InlineData("fsd50k", "dev.csv", "fname,labels,mids,split\n1,B", ",/m/1,train\n", 2)]
    public void List_ListThatIsNoText_IsRefusedWithTheLine(string dataset, string file, string before, string after, int line)
    {
        _folder.Media("a.mp4", "a.wav", "v_a.avi").Text("lists/testlist01.txt", "Archery/v_t.avi").Text("lists/eval.csv", "fname,labels,mids");
        foreach (var (bad, problem) in new (byte[], string)[] { ([0xE9], "it is not UTF-8 (byte 0xE9); save the file as UTF-8"), ([0xC3], "it is not UTF-8 (byte 0xC3)"), ([0], "it has a zero byte") })
        {
            File.WriteAllBytes(_folder[file], [.. System.Text.Encoding.UTF8.GetBytes(before), .. bad, .. System.Text.Encoding.UTF8.GetBytes(after)]);

            Names(dataset, file, line, problem);
        }
    }

    [Theory]
    [InlineData(1 << 16)]
    [InlineData((1 << 16) - 1)]
    [InlineData((1 << 16) - 2)]
    [InlineData((1 << 16) - 3)]
    public void List_CharacterAcrossTwoReads_IsText(int place)
    {
        const string head = "path,label\na.mp4,";
        _folder.Media("a.mp4").Raw("mine.csv", head + new string('x', place - head.Length) + "€\n");

        Assert.EndsWith("x€", Assert.Single(_folder.List("csv").Items).Label, StringComparison.Ordinal);
    }

    [Fact]
    public void List_AnotherDatasetsCsvThatIsNoText_IsNotRead()
    {
        _folder.Media("abc_000000_000010.mp4").Text("train.csv", KineticsHeader, "bowling,abc,0,10,train");
        File.WriteAllBytes(_folder["notes.csv"], [0xE9, 0]);

        Assert.Single(_folder.List("kinetics400").Items);
    }

    [Fact]
    public void List_OntologyThatIsNoText_IsRefused()
    {
        _folder.Media("a_0.mp4").Text("eval_segments.csv", "a, 0.000, 10.000, \"/m/1\"");
        File.WriteAllBytes(_folder["ontology.json"], [.. "[{\"id\": \"/m/1\",\n \"name\": \"caf"u8, 0xE9, .. "\"}]"u8]);

        Names("audioset", "ontology.json", 2, "it is not UTF-8 (byte 0xE9)");
    }

    [Fact]
    public void List_MistakesInSeveralFiles_AreNamedAllAtOnceAndBounded()
    {
        _folder.Media("good_000000_000010.mp4").Text("val.csv", KineticsHeader, "bowling,good,x,10,val").Text("train.csv", [KineticsHeader, .. Enumerable.Repeat("bowling,good,x,10,train", 30)]);

        var error = _folder.Refused("kinetics400");

        Assert.Contains("31 mistakes", error, StringComparison.Ordinal);
        Assert.Contains("train.csv, line 21:", error, StringComparison.Ordinal);
        Assert.Contains("… and 11 more", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kinetics400", "train.csv")]
    [InlineData("audioset", "balanced_train_segments.csv")]
    [InlineData("ucf101", "trainlist01.txt")]
    [InlineData("hmdb51", "_test_split1.txt")]
    [InlineData("esc50", "esc50.csv")]
    [InlineData("fsd50k", "dev.csv")]
    [InlineData("kinetics-sound", "train.csv")]
    [InlineData("csv", "CSV")]
    public void List_NoAnnotations_SaysWhichAndWhereToNameThem(string dataset, string file)
    {
        var error = _folder.Media("a.mp4").Refused(dataset);

        Assert.Contains(file, error, StringComparison.Ordinal);
        Assert.Contains(_folder.Root, error, StringComparison.Ordinal);
        Assert.Contains("--annotations", error, StringComparison.Ordinal);
    }

    [Fact]
    public void List_HeaderWithoutAColumn_NamesItAndThoseThatAreThere()
    {
        _folder.Media("a.wav").Text("esc50.csv", "filename,category", "a.wav,dog");

        Names("esc50", "esc50.csv", 1, "the header has no column fold, target; it has filename, category");
    }

    [Fact]
    public void List_NothingOfTheListsIsThere_IsAnErrorAndNoLedgerOfAbsentItems()
    {
        _folder.Media("other.mp4").Text("train.csv", KineticsHeader, "bowling,abc,0,10,train");

        Assert.Contains("none of the 1 clips", _folder.Refused("kinetics400"), StringComparison.Ordinal);
    }

    [Fact]
    public void List_UnknownSplit_NamesTheKnownOnes()
    {
        _folder.Media("abc_000000_000010.mp4").Text("train.csv", KineticsHeader, "bowling,abc,0,10,train");

        Assert.Contains("--split dev: kinetics400 has no such split; use train", _folder.Refused("kinetics400", split: "dev"), StringComparison.Ordinal);
    }

    [Fact]
    public void List_HeaderWithUnnamedColumns_CountsThem()
    {
        _folder.Media("audio/a.wav").Text("esc50.csv", ",filename,fold,target,category,", "0,a.wav,1,0,dog,");

        Assert.Equal("audio/a.wav", Assert.Single(_folder.List("esc50").Items).Id);
    }

    [Fact]
    public void List_AnnotationsOfAFolder_AreRefused() =>
        Assert.Contains("use --dataset csv", _folder.Media("a.mp4").Refused("folder", annotations: _folder.Root), StringComparison.Ordinal);

    [Fact]
    public void List_AnnotationsThatAreNotThere_IsAnError() =>
        Assert.Contains("--annotations /no/such does not exist", _folder.Media("a.mp4").Refused("esc50", annotations: "/no/such"), StringComparison.Ordinal);

    private void Names(string dataset, string file, int line, string problem)
    {
        var error = _folder.Refused(dataset);
        Assert.Contains($"{_folder[file]}, line {line}: ", error, StringComparison.Ordinal);
        Assert.Contains(problem, error, StringComparison.Ordinal);
    }
}
