using TorchSharp.Modules;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

#pragma warning disable RS0030 // formulas as they are written

/// <summary>A step with nothing saved: the plain forward pass, then clipping, AdamW and the moving averages one parameter after the other.</summary>
internal sealed class PlainStep(XkdModel model)
{
    private const double Beta1 = 0.9, Beta2 = 0.95, Eps = 1e-8, Clip = 0.3;

    private readonly PlainForward _forward = new(model);
    private readonly List<(string Name, Parameter Value)> _trained = [.. StateNames.Parameters(model).Where(e => e.Value.requires_grad)];
    private readonly Dictionary<string, (Tensor Mean, Tensor Variance)> _moments = [];
    private int _steps;

    public double Run(XkdInput input, StepSchedule schedule)
    {
        using var scope = NewDisposeScope();
        var loss = _forward.Loss(input, schedule.Temperatures);
        loss.backward();
        using var unrecorded = no_grad();
        foreach (var (_, parameter) in StateNames.Parameters(model.VideoStudent).Concat(StateNames.Parameters(model.AudioStudent)).Where(e => e.Value.grad is not null))
        {
            var coefficient = Clip / (parameter.grad!.norm().item<float>() + 1e-6);
            if (coefficient < 1)
            {
                parameter.grad.copy_(parameter.grad.Mul(coefficient));
            }
        }

        _steps++;
        foreach (var (name, parameter) in _trained)
        {
            AdamW(name, parameter, schedule);
            parameter.grad!.zero_();
        }

        HashSet<nint> followed = [];
        Follow(model.VideoTeacher, model.VideoStudent, schedule.VideoEma, followed);
        Follow(model.AudioTeacher, model.AudioStudent, schedule.AudioEma, followed);
        _forward.Keep();
        return loss.item<float>();
    }

    private void AdamW(string name, Parameter parameter, StepSchedule schedule)
    {
        if (!_moments.TryGetValue(name, out var moments))
        {
            _moments[name] = moments = (zeros_like(parameter).DetachFromDisposeScope(), zeros_like(parameter).DetachFromDisposeScope());
        }

        var decay = parameter.dim() > 1 && !name.EndsWith(".bias", StringComparison.Ordinal) ? schedule.WeightDecay : 0;
        moments.Mean.copy_(moments.Mean.Mul(Beta1) + parameter.grad!.Mul(1 - Beta1));
        moments.Variance.copy_(moments.Variance.Mul(Beta2) + parameter.grad!.square().Mul(1 - Beta2));
        var mean = moments.Mean.Div(1 - Math.Pow(Beta1, _steps));
        var deviation = moments.Variance.Div(1 - Math.Pow(Beta2, _steps)).sqrt();
        parameter.copy_(parameter.Mul(1 - (schedule.LearningRate * decay)) - (mean / deviation.Add(Eps)).Mul(schedule.LearningRate));
    }

    private static void Follow(Branch teacher, Branch student, double kept, HashSet<nint> followed)
    {
        foreach (var ((_, to), (_, from)) in StateNames.Parameters(teacher).Zip(StateNames.Parameters(student)).Where(pair => followed.Add(pair.First.Value.Handle)))
        {
            to.copy_(to.Mul(kept) + from.Mul(1 - kept));
        }
    }
}
