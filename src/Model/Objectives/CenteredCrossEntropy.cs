using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Objectives;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// Distillation from a teacher to a student of the other modality: cross-entropy with the teacher's centred and sharpened output. The centre is a running
/// mean of the raw teacher output; a call uses the centre the call before it left.
/// </summary>
public sealed class CenteredCrossEntropy : nn.Module
{
    private readonly Tensor center;
    private readonly double momentum;
    private Tensor? held;
    private int holding = -1;

    /// <param name="dim">Logits.</param>
    /// <param name="momentum">Share of the centre kept by each update.</param>
    /// <param name="device">Where the centre lives.</param>
    public CenteredCrossEntropy(int dim, double momentum, Device? device = null)
        : base(nameof(CenteredCrossEntropy))
    {
        this.momentum = momentum;
        center = zeros(1, dim, device: device);
        register_buffer(nameof(center), center);
    }

    /// <summary>[1, K]</summary>
    public Tensor Center => center;

    /// <summary>
    /// Mean over all pairs of a student view and a teacher view, in nats, for student logits [views · B, K] and teacher logits [teacher views · B, K]; then
    /// the centre moves.
    /// </summary>
    public Tensor Loss(Tensor student, Tensor teacher, double studentTemperature, double teacherTemperature, int teacherViews = 1)
    {
        using var scope = NewDisposeScope();
        var batch = teacher.shape[0] / teacherViews;
        var logits = teacher.detach().to(ScalarType.Float32);
        var targets = nn.functional.softmax((logits - center).Over(teacherTemperature), -1).view(teacherViews, 1, batch, -1); // [U, 1, B, K]
        var predicted = nn.functional.log_softmax(student.to(ScalarType.Float32).Over(studentTemperature), -1).view(1, -1, batch, logits.shape[1]); // [1, V, B, K]
        var loss = -(targets * predicted).sum(-1).mean(); // [U, V, B] -> []
        Take(logits);
        return scope.MoveToOuter(loss);
    }

    /// <summary>From here on the centre stays where it is, and what would move it is kept.</summary>
    internal void Hold()
    {
        held?.Dispose();
        (held, holding) = (null, 0);
    }

    /// <summary>The mean teacher output [1, K] over the calls since <see cref="Hold"/>, null without any; calls move the centre again.</summary>
    internal Tensor? Release()
    {
        var mean = holding > 1 ? held!.Over(holding) : held?.alias();
        held?.Dispose();
        (held, holding) = (null, -1);
        return mean;
    }

    /// <summary>Follows a mean teacher output [1, K].</summary>
    internal void MoveCenter(Tensor mean) => center.Follow(mean, momentum);

    private void Take(Tensor teacher)
    {
        using var unrecorded = no_grad();
        var mean = teacher.mean([0L], keepdim: true); // [1, K]
        if (holding < 0)
        {
            MoveCenter(mean);
            return;
        }

        var sum = held is null ? mean.alias() : held + mean;
        held?.Dispose();
        (held, holding) = (sum.DetachFromDisposeScope(), holding + 1);
    }
}
