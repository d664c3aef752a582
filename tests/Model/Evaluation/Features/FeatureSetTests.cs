using System.Runtime.CompilerServices;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class FeatureSetTests
{
    private static readonly string[] Ids = ["a", "b", "c"];

    [Fact]
    public void Run_ClipsOutOfOrder_GroupsWindowsByClip()
    {
        FeatureSet set = FeatureExtractor.Run(
            Batches(TestContext.Current.CancellationToken, [2, 0, 2], [1, 0, 1]), clips => new FeatureBatch(clips, clips.SelectMany(c => new float[] { c, -c }).ToArray()), Builder(2), TestContext.Current.CancellationToken);

        Assert.Equal([0, 0, 0, 0, 1, -1, 1, -1, 2, -2, 2, -2], set.Vectors);
        Assert.Equal([1, 1, 0, 0, 1, 1], set.RowLabels());
        Assert.Equal([0, 0, 1, -1, 2, -2], set.Pooled().Vectors);
        Assert.Equal([2, -2, 2, -2, 0, 0, 0, 0], set.Select([2, 0]).Vectors);
    }

    [Fact]
    public void Run_MissingWindow_NamesTheClip()
    {
        UsageException error = Assert.Throws<UsageException>(() => FeatureExtractor.Run(
            Batches(TestContext.Current.CancellationToken, [0, 1, 2]), clips => new FeatureBatch(clips, new float[clips.Length]), Builder(2), TestContext.Current.CancellationToken));

        Assert.Contains("clip a has 1 of 2 windows", error.Message);
    }

    [Fact]
    public void Add_WindowTooManyOrOtherLength_NamesTheClip()
    {
        FeatureSetBuilder builder = Builder(1);
        builder.Add(1, [1, 2]);

        Assert.Contains("clip b", Assert.Throws<UsageException>(() => builder.Add(1, [1, 2])).Message);
        Assert.Contains("expected 2", Assert.Throws<UsageException>(() => builder.Add(0, [1, 2, 3])).Message);
        Assert.Throws<UsageException>(() => builder.Add(3, [1, 2]));
    }

    [Fact]
    public void Build_NotFinite_NamesTheClip()
    {
        FeatureSetBuilder builder = Builder(1);
        builder.Add(0, [1]);
        builder.Add(1, [float.PositiveInfinity]);
        builder.Add(2, [1]);

        Assert.Contains("clip b", Assert.Throws<UsageException>(builder.Build).Message);
    }

    [Fact]
    public void Join_SameClips_AppendsEachVector()
    {
        FeatureSet left = SvmData.Features(3, 2, 2, 2, 1, seed: 1), right = SvmData.Features(3, 2, 3, 2, 1, seed: 2);

        FeatureSet joined = left.Join(right);

        Assert.Equal(5, joined.Dim);
        Assert.Equal([.. left.Clip(2)[2..], .. right.Clip(2)[3..]], joined.Clip(2)[5..].ToArray());
        Assert.Throws<UsageException>(() => left.Join(SvmData.Features(3, 2, 3, 2, 1, seed: 2, prefix: "other")));
    }

    private static FeatureSetBuilder Builder(int windows) => new(Ids, [1, 0, 1], ["x", "y"], windows);

    private static async IAsyncEnumerable<int[]> Batches([EnumeratorCancellation] CancellationToken cancellation, params int[][] batches)
    {
        foreach (int[] batch in batches)
        {
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
            yield return batch;
        }
    }
}
