using FsCheck;
using FsCheck.Fluent;

namespace Xkd.Storage.Tests;

public sealed class LedgerTextTests
{
    [Fact]
    public void Read_WhatWasWritten_IsTheSame() => Check.QuickThrowOnFailure(Prop.ForAll<NonNull<string>, string, PositiveInt>((id, detail, attempts) =>
    {
        LedgerEntry[] entries =
        [
            new() { Id = "x" + id.Get, State = ItemState.Failed, Stage = "decode", Reason = "corrupt", Detail = detail, Attempts = attempts.Get, Warnings = [id.Get, "\n"] },
            Clips.Committed("é\u2028\"\\"),
        ];
        var text = LedgerText.Write(entries);
        LedgerEntry[] read = [.. LedgerText.Read(text)];
        return text.Count(b => b == '\n') == 2 && read.Length == 2 && LedgerText.Write(read).AsSpan().SequenceEqual(text);
    }));

    [Fact]
    public void Merge_AnyOrder_EndsInTheSameState() => Check.QuickThrowOnFailure(Prop.ForAll<bool[]>(states =>
    {
        LedgerEntry[] lines = [.. states.Select((committed, i) => (committed ? Clips.Committed("x") : Clips.Failed("x")) with { Attempts = i })];
        var forward = Merge(lines);
        var backward = Merge(lines.Reverse());
        return states.Length == 0 || forward["x"].State == backward["x"].State && (forward["x"].State == ItemState.Committed) == states.Any(s => s);
    }));

    [Fact]
    public void Write_Entry_HasTheFieldsScriptsRelyOn() => Assert.Equal(
        "{\"id\":\"a/b.mp4\",\"source\":\"/media/a/b.mp4\",\"state\":\"failed\",\"stage\":\"decode\",\"reason\":\"truncated\",\"detail\":\"3 of 10 s\",\"warnings\":[],\"attempts\":1}\n",
        System.Text.Encoding.UTF8.GetString(LedgerText.Write([Clips.Failed("a/b.mp4")])));

    private static Dictionary<string, LedgerEntry> Merge(IEnumerable<LedgerEntry> lines)
    {
        Dictionary<string, LedgerEntry> ledger = [];
        foreach (var line in lines)
        {
            LedgerText.Merge(ledger, line);
        }

        return ledger;
    }
}
