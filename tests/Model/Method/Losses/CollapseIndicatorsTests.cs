using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

public sealed class CollapseIndicatorsTests
{
    private const int Rows = 6, Logits = 8;

    // Means over rows of sums over logits, of terms below 3.
    private static readonly double Tolerance = Rounding.OfASum(Rows * Logits, 3);

    [Fact]
    public void Of_TeachersThatSayNothingStudentsThatDiffer_UniformEntropyAndTheirDeviation()
    {
        using var scope = TinyModel.Scope();
        var student = cat([ones(Rows / 2, Logits), ones(Rows / 2, Logits).neg()], 0); // deviation 1 in every logit
        var values = Read(Terms(zeros(Rows, Logits), student), zeros(1, Logits));

        Assert.All(values[..4], entropy => Assert.Equal(Math.Log(Logits), entropy, Tolerance));
        Assert.All(values[4..], deviation => Assert.Equal(1, deviation, Tolerance));
    }

    [Fact]
    public void Of_TeachersThatSayOneThingStudentsThatSayTheSame_ShowsCollapse()
    {
        using var scope = TinyModel.Scope();
        var certain = zeros(Rows, Logits);
        certain.select(1, 3).Fill(10);
        var values = Read(Terms(certain, ones(Rows, Logits)), zeros(1, Logits));

        Assert.Equal(Math.Log(Logits), values[0], Tolerance);
        Assert.All(values[2..], value => Assert.Equal(0, value, Tolerance));
    }

    private static float[] Read(BranchOutputs branches, Tensor center) =>
        [.. CollapseIndicators.Of(branches, center, center, KdTemperatures.Published).OrderBy(scalar => scalar.Name.StartsWith("std", StringComparison.Ordinal)).Select(scalar => scalar.Value.item<float>())];

    private static BranchOutputs Terms(Tensor teacher, Tensor student) =>
        new(new BranchOutput(student, student), new BranchOutput(student, student), new BranchOutput(teacher, teacher), new BranchOutput(teacher, teacher));
}
