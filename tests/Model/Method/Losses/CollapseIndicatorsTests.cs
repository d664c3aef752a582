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

        Assert.All(Of(values, "entropy", "floor"), value => Assert.Equal(Math.Log(Logits), value, Tolerance));
        Assert.All(Of(values, "std_video", "std_audio"), deviation => Assert.Equal(1, deviation, Tolerance));
        Assert.All(Of(values, "std_teacher"), deviation => Assert.Equal(0, deviation, Tolerance));
    }

    [Fact]
    public void Of_TeachersThatSayOneThingStudentsThatSayTheSame_ShowsCollapse()
    {
        using var scope = TinyModel.Scope();
        var certain = zeros(Rows, Logits);
        certain.select(1, 3).Fill(10);
        var values = Read(Terms(certain, ones(Rows, Logits)), zeros(1, Logits));

        Assert.All(Of(values, "center_entropy"), entropy => Assert.Equal(Math.Log(Logits), entropy, Tolerance));
        Assert.All(Of(values, "teacher_entropy", "floor", "std"), value => Assert.Equal(0, value, Tolerance));
    }

    [Fact]
    public void Of_AStudentOfAnotherTemperature_FloorIsWhatItsTeachersWordsWouldCost()
    {
        using var scope = TinyModel.Scope();
        var teacher = ScalarMath.Indices(Logits, CPU).to(ScalarType.Float32).expand(Rows, Logits);
        KdTemperatures temperatures = new(TeacherVideo: 2, TeacherAudio: 1, StudentVideo: 5, StudentAudio: 4);
        var values = CollapseIndicators.Of(Terms(teacher, teacher), zeros(1, Logits), zeros(1, Logits), temperatures).ToDictionary(scalar => scalar.Name, scalar => scalar.Value.item<float>());

        Assert.Equal(CrossEntropy(2, 4), values["floor_kd_v2a"], Tolerance); // the audio student of the video teacher
        Assert.Equal(CrossEntropy(1, 5), values["floor_kd_a2v"], Tolerance);
        Assert.Equal(CrossEntropy(2, 2), values["teacher_entropy_video"], Tolerance);
    }

    private static double CrossEntropy(double teacher, double student)
    {
        double[] Softmax(double temperature)
        {
            var exponentials = Enumerable.Range(0, Logits).Select(logit => Math.Exp(logit / temperature)).ToArray();
            return [.. exponentials.Select(value => value / exponentials.Sum())];
        }

        return -Softmax(teacher).Zip(Softmax(student)).Sum(pair => pair.First * Math.Log(pair.Second));
    }

    private static Dictionary<string, float> Read(BranchOutputs branches, Tensor center) =>
        CollapseIndicators.Of(branches, center, center, KdTemperatures.Published).ToDictionary(scalar => scalar.Name, scalar => scalar.Value.item<float>(), StringComparer.Ordinal);

    private static List<float> Of(Dictionary<string, float> values, params string[] names)
    {
        List<float> found = [.. values.Where(value => names.Any(name => value.Key.Contains(name, StringComparison.Ordinal))).Select(value => value.Value)];
        Assert.NotEmpty(found);
        return found;
    }

    private static BranchOutputs Terms(Tensor teacher, Tensor student) =>
        new(new BranchOutput(student, student), new BranchOutput(student, student), new BranchOutput(teacher, teacher), new BranchOutput(teacher, teacher));
}
