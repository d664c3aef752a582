using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class FeatureSetTests
{
    private static readonly FeatureSet Set = new()
    {
        Ids = ["a", "b", "c"], Labels = [1, 0, 1], ClassNames = ["x", "y"], Windows = 2, Dim = 2, Vectors = [0, 0, 0, 0, 1, -1, 1, -1, 2, -2, 2, -2],
    };

    [Fact]
    public void Select_Clips_TakesTheirWindowsAndLabels()
    {
        var part = Set.Select([2, 0]);

        Assert.Equal([2, -2, 2, -2, 0, 0, 0, 0], part.Vectors);
        Assert.Equal(["c", "a"], part.Ids);
        Assert.Equal([1, 1], part.Labels);
    }

    [Fact]
    public void Validate_MissingWindow_IsAnError() => Assert.Contains("3 clips of 2 windows", Assert.Throws<UsageException>((Set with { Vectors = new float[10] }).Validate).Message);

    [Fact]
    public void Validate_NotFiniteOrUnknownClass_NamesTheClip()
    {
        float[] vectors = [.. Set.Vectors];
        vectors[5] = float.PositiveInfinity;

        Assert.Contains("clip b", Assert.Throws<UsageException>((Set with { Vectors = vectors }).Validate).Message);
        Assert.Contains("clip c", Assert.Throws<UsageException>((Set with { Labels = [1, 0, 2] }).Validate).Message);
    }
}
