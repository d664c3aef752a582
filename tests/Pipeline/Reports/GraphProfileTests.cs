namespace Xkd.Pipeline.Tests;

public sealed class GraphProfileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-profile-page").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_TwoStages_HasTheSentenceTheTimePerWorkerAndTheQueues()
    {
        var report = GraphReport.Of("test", 4, [Stage("read", 1, 100, 0.5, 3), Stage("decode", 2, 700, 1, 0)]) with
        {
            Timeline = [new OccupancySample(0, 2, [0, 1], [0.25, 1]), new OccupancySample(2, 4, [0, 0.5], [0.25, 0.9])],
        };
        GraphProfile.Write(_folder, "XKD profile: test", report, ["One note."], trace => trace.Write("[]"u8));
        var page = File.ReadAllText(Path.Combine(_folder, "profile.html"));
        Assert.Contains($"<div class=\"verdict plain\">{report.Remedy}.</div>", page, StringComparison.Ordinal);
        Assert.Contains("<p>One note.</p>", page, StringComparison.Ordinal);
        Assert.Contains("<th class=n>waited for input, s</th>", page, StringComparison.Ordinal);

        var charts = HtmlPage.Charts(page);
        Assert.Equal(["bars", "heat", "heat"], charts.Select(c => c.GetProperty("kind").GetString()));
        Assert.Equal(
            ["working [1,3.5]", "waiting for input [0.5,0.5]", "waiting for output [3,0]"],
            charts[0].GetProperty("series").EnumerateArray().Select(s => $"{s.GetProperty("name")} {s.GetProperty("y").GetRawText()}"));
        Assert.Equal(
            ["read [0,0]", "decode [1,0.5]"],
            charts[1].GetProperty("series").EnumerateArray().Select(s => $"{s.GetProperty("name")} {s.GetProperty("y").GetRawText()}"));
        Assert.Equal("[2,4]", charts[2].GetProperty("series")[0].GetProperty("ends").GetRawText());
    }

    // Ten items.
    private static StageReport Stage(string name, int workers, double milliseconds, double getWait, double putWait) => new()
    {
        Name = name, Parallelism = workers, Count = 10, Failed = 0, MeanMs = milliseconds, P50Ms = milliseconds,
        P99Ms = milliseconds, PutWait = putWait, GetWait = getWait,
        Occupancy = 0, Utilisation = milliseconds / 1000, Bytes = 0, Remedy = "do less",
    };
}
