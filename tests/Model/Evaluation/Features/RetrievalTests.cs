using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class RetrievalTests
{
    [Fact]
    public void Evaluate_SameClip_CountsTheRankOfItsTwin()
    {
        // Query b's twin is only second: the gallery's c points exactly where the query does.
        FeatureSet queries = Points([1, 0, 0, 1, -1, 0], ["a", "b", "c"]), gallery = Points([0, 1, 0.5f, 1, 1, 0], ["c", "b", "a"]);

        var result = Retrieval.Evaluate(queries, gallery, RetrievalTarget.SameClip, [1, 2, 3]);

        Assert.Equal(200.0 / 3, result.Recall[1], 1e-9);
        Assert.Equal(100, result.Recall[2], 1e-9);
        Assert.Equal(1, result.MedianRank);
        Assert.Equal((33.3333, 66.6667, 100), (Math.Round(result.Chance[1], 4), Math.Round(result.Chance[2], 4), result.Chance[3]));
    }

    [Fact]
    public void Evaluate_AllVectorsEqual_TiesAreNoMerit()
    {
        var same = Points([1, 1, 1, 1, 1, 1], ["a", "b", "c"]);

        Assert.Equal(0, Retrieval.Evaluate(same, same, RetrievalTarget.SameClip, [1]).Recall[1]);
    }

    [Fact]
    public void Evaluate_SameClass_DoesNotFindTheQueryItself()
    {
        var set = Points([1, 0, 0, 1, 1, 0.1f], ["a", "b", "c"]) with { Labels = [0, 0, 1] };

        var result = Retrieval.Evaluate(set, set, RetrievalTarget.SameClass, [1, 2]);

        Assert.Equal(2, result.Queries); // the only clip of class 1 has nothing to find
        Assert.Equal(0, result.Recall[1]);
        Assert.Equal(100, result.Recall[2]);
    }

    [Fact]
    public void Evaluate_SameClass_DoesNotFindAnotherSegmentOfTheQuery()
    {
        var set = Points([1, 0, 1, 0.1f, 0, 1, 0.9f, 1], ["a.mp4#0", "a.mp4#1", "b.mp4", "c.mp4"]) with { Labels = [0, 0, 0, 1] };

        var result = Retrieval.Evaluate(set, set, RetrievalTarget.SameClass, [1, 2]);

        Assert.Equal(3, result.Queries);
        Assert.Equal(0, result.Recall[1]); // c, of another class, is nearer to a's segments than b is, and to b than they are
        Assert.Equal(100, result.Recall[2]);
    }

    [Fact]
    public void Evaluate_SameClass_ChanceIsThatNotAllOfTheFirstAreWrong()
    {
        // Of a query's four candidates two are right: the first is wrong in half of all orders, the first two in (2/4)(1/3).
        var set = Points([1, 0, 1, 0.2f, 1, 0.1f, 0, 1, 0, 2], ["a", "b", "c", "d", "e"]) with { Labels = [0, 0, 0, -1, -1] };

        var result = Retrieval.Evaluate(set, set, RetrievalTarget.SameClass, [1, 2, 3]);

        Assert.Equal((50, 83.3333, 100), (result.Chance[1], Math.Round(result.Chance[2], 4), result.Chance[3]));
    }

    [Fact]
    public void Evaluate_NothingInCommon_IsAnError()
    {
        Assert.Throws<UsageException>(() => Retrieval.Evaluate(Points([1, 0], ["a"]), Points([1, 0], ["b"]), RetrievalTarget.SameClip));
        Assert.Throws<UsageException>(() => Retrieval.Evaluate(Points([1, 0], ["a"]), SvmData.Features(2, 1, 3, 2, 1, 1), RetrievalTarget.SameClip));
    }

    private static FeatureSet Points(float[] vectors, string[] ids) => new()
    {
        Ids = ids, Labels = [.. ids.Select(_ => 0)], ClassNames = ["x", "y"], Windows = 1, Dim = 2, Vectors = vectors,
    };
}
