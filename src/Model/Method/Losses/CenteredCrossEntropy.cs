using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// Distillation from a teacher to a student of the other modality: cross-entropy with the teacher's centred and sharpened output. The centre is a running
/// mean of the raw teacher output.
/// </summary>
internal sealed class CenteredCrossEntropy : nn.Module
{
    private readonly Tensor center;

    /// <param name="dim">Logits.</param>
    /// <param name="device">Where the centre lives.</param>
    public CenteredCrossEntropy(int dim, Device? device = null)
        : base(nameof(CenteredCrossEntropy))
    {
        center = zeros(1, dim, device: device);
        RegisterComponents();
    }

    /// <summary>[1, K]</summary>
    public Tensor Center => center;

    /// <summary>
    /// Mean over all pairs of a student view and a teacher view, in nats, for student logits [views · B, K] and teacher logits [teacher views · B, K].
    /// </summary>
    public Tensor Loss(Tensor student, Tensor teacher, double studentTemperature, double teacherTemperature, int teacherViews = 1)
    {
        using var scope = NewDisposeScope();
        var batch = teacher.shape[0] / teacherViews;
        var logits = teacher.detach().to(ScalarType.Float32);
        var targets = nn.functional.softmax((logits - center).Div(teacherTemperature), -1).view(teacherViews, 1, batch, -1); // [U, 1, B, K]
        var predicted = nn.functional.log_softmax(student.to(ScalarType.Float32).Div(studentTemperature), -1).view(1, -1, batch, logits.shape[1]); // [1, V, B, K]
        return scope.MoveToOuter(-(targets * predicted).sum(-1).mean()); // [U, V, B] -> []
    }

    /// <summary>The mean teacher output [1, K] of logits [rows, K], which the centre follows.</summary>
    public static Tensor TeacherMean(Tensor teacher)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        return scope.MoveToOuter(teacher.detach().to(ScalarType.Float32).mean([0L], keepdim: true));
    }

    /// <summary>Lets the centre follow a mean teacher output [1, K].</summary>
    public void MoveCenter(Tensor mean, double momentum)
    {
        using var unrecorded = no_grad();
        center.Follow(mean, momentum);
    }
}
