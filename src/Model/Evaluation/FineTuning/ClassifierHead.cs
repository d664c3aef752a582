using TorchSharp;
using TorchSharp.Modules;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Head of linear evaluation and fine-tuning: [N, features] → [N, classes] by unit length → batch norm → dropout → linear, each but the last optional.
/// The linear layer starts orthogonal (gain 1) with zero bias. Unlike the reference, which squeezes its input, a batch of one keeps its batch axis.
/// </summary>
public sealed class ClassifierHead : nn.Module<Tensor, Tensor>
{
    private readonly bool _unitLength;
    private readonly double _dropout;

#pragma warning disable IDE1006, SA1300 // Module fields carry the PyTorch state-dict names.
    private readonly BatchNorm1d? bn;
    private readonly Linear classifier;
#pragma warning restore IDE1006, SA1300

    /// <exception cref="UsageException">No features, no classes, or a dropout outside 0 … 1.</exception>
    public ClassifierHead(int features, int classes, ClassifierOptions? options = null)
        : base(nameof(ClassifierHead))
    {
        options ??= new ClassifierOptions();
        if (features < 1 || classes < 1 || options.Dropout is not (>= 0 and < 1))
        {
            throw new UsageException($"classifier: {features} features, {classes} classes, dropout {options.Dropout}; features and classes must be positive and dropout in [0, 1).");
        }

        _unitLength = options.UnitLength;
        _dropout = options.Dropout;
        bn = options.BatchNorm ? nn.BatchNorm1d(features) : null;
        classifier = nn.Linear(features, classes);
        nn.init.orthogonal_(classifier.weight!);
        nn.init.zeros_(classifier.bias!);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = input;
        if (_unitLength)
        {
            x = nn.functional.normalize(x, p: 2, dim: -1);
        }

        if (bn is not null)
        {
            x = bn.forward(x);
        }

        if (_dropout > 0 && training)
        {
            x = nn.functional.dropout(x, _dropout, training: true);
        }

        return classifier.forward(x).MoveToOuterDisposeScope(); // [N, classes]
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            bn?.Dispose();
            classifier.Dispose();
        }

        base.Dispose(disposing);
    }
}
