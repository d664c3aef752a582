using Xkd.Model.Method;
using Xkd.Model.Training;

namespace Xkd.Model.Tests.Training;

/// <summary>The check that a GPU is put to, with the CPU in its place.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SelfCheckTests
{
    [Fact]
    public void Run_TheCpuBesideItself_IsEqualInFloat32AndCloseInBfloat16()
    {
        var rows = SelfCheck.Run(Devices.Parse("cpu"));
        Assert.All(rows, row => Assert.True(row.Ok, $"{row}"));
        string[] terms = ["recon_video", "recon_audio", "kd_v2a", "kd_a2v", "align_student", "align_teacher", "loss", "grad_norm"];
        Assert.Equal([.. terms, .. terms], rows.Select(row => row.Term));
        Assert.All(rows, row => Assert.Equal(row.Precision == Precision.Float32, row.Gap == 0));
    }

    [Fact]
    public void Run_StepsTooLarge_AreNoticedInEitherPrecision()
    {
        var rows = SelfCheck.Run(Devices.Parse("cpu"), steps: 10, learningRate: 1.3e-4);
        Assert.Contains(rows, row => row is { Precision: Precision.Float32, Ok: false });
        Assert.Contains(rows, row => row is { Precision: Precision.Bfloat16, Ok: false });
    }

    [Fact]
    public void Ok_NotANumber_IsFalse() => Assert.False(new SelfCheckRow(Precision.Bfloat16, "loss", 1, 1, 1, double.NaN, 1e-2).Ok);
}
