using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Head of linear evaluation and fine-tuning: [N, features] → [N, classes] by unit length → batch norm → dropout → linear, each but the last optional.
/// The linear layer starts orthogonal (gain 1) with zero bias. Unlike the reference, which squeezes its input, a batch of one keeps its batch axis.
/// </summary>
internal sealed class ClassifierHead : nn.Module<Tensor, Tensor>
{
    /// <summary>What the batch norm adds to a variance.</summary>
    internal const double NormEps = 1e-5;

    private readonly HeadSection _options;

#pragma warning disable IDE1006, SA1300 // Module fields carry the PyTorch state-dict names.
    private readonly BatchNorm1d? bn;
    private readonly TorchSharp.Modules.Linear classifier;
#pragma warning restore IDE1006, SA1300

    public ClassifierHead(int features, int classes, HeadSection options)
        : base(nameof(ClassifierHead))
    {
        _options = options;
        bn = options.BatchNorm ? nn.BatchNorm1d(features, eps: NormEps) : null;
        classifier = nn.Linear(features, classes);
        nn.init.orthogonal_(classifier.weight!);
        nn.init.zeros_(classifier.bias!);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = _options.UnitLength ? nn.functional.normalize(input, p: 2, dim: -1) : input;
        x = bn?.forward(x) ?? x;
        x = _options.Dropout > 0 && training ? nn.functional.dropout(x, _options.Dropout, training: true) : x;
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

/// <summary>One or several encoders with a head on their joined features. Frozen encoders run without gradients and stay as they are.</summary>
internal sealed class ClipClassifier : IDisposable
{
    private readonly IReadOnlyList<EvaluationEncoder> _encoders;
    private readonly bool _frozen;
    private readonly ClassifierHead _head;

    /// <summary>Frozen, only the head is trained. The encoders stay the caller's to dispose of.</summary>
    public ClipClassifier(IReadOnlyList<EvaluationEncoder> encoders, int classes, HeadSection head, bool frozen)
    {
        (_encoders, _frozen, Classes) = (encoders, frozen, classes);
        _head = new ClassifierHead(encoders.Sum(e => e.Width), classes, head);
        _head.to(Device);
        foreach (var parameter in encoders.SelectMany(e => StateNames.Parameters(e.Network)).Select(p => p.Value))
        {
            parameter.requires_grad = !frozen;
        }
    }

    public IReadOnlyList<EvaluationEncoder> Encoders => _encoders;

    public int Classes { get; }

    public ClassifierHead Head => _head;

    public Device Device => _encoders[0].Network.PositionTable.device;

    /// <summary>Logits [N, classes] of each encoder's input, in the encoders' order.</summary>
    public Tensor Forward(IReadOnlyList<Tensor> inputs)
    {
        using var scope = NewDisposeScope();
        Tensor features;
        using (var unrecorded = _frozen ? no_grad() : null)
        {
            Tensor[] parts = [.. _encoders.Zip(inputs, (encoder, input) => encoder.Features(input))];
            features = parts.Length == 1 ? parts[0] : cat(parts, 1); // [N, ΣD]
        }

        return _head.call(features).MoveToOuterDisposeScope();
    }

    /// <summary>Training or evaluation mode; frozen encoders are always in the latter.</summary>
    public void Train(bool training)
    {
        _head.train(training);
        foreach (var encoder in _encoders)
        {
            encoder.Network.train(training && !_frozen);
        }
    }

    /// <summary>What is trained: the head alone, all of it decayed, or everything in groups by layer.</summary>
    public IReadOnlyList<(DecayGroup Group, IReadOnlyList<Parameter> Parameters)> Groups(double layerDecay, double weightDecay)
    {
        var head = StateNames.Parameters(_head, "head.");
        if (_frozen)
        {
            return [(new DecayGroup(1, weightDecay, [.. head.Select(p => p.Name)]), [.. head.Select(p => p.Value)])];
        }

        List<(DecayGroup, IReadOnlyList<Parameter>)> groups = [];
        foreach ((var index, var encoder) in _encoders.Index())
        {
            // The head belongs to the first encoder's groups; a second encoder has only its own.
            (string Name, Parameter Value)[] own =
            [
                .. StateNames.Parameters(encoder.Network).Select(p => (WeightNames.ToEvaluation(p.Name), p.Value)), .. index == 0 ? head : [],
            ];
            var byName = own.ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
            IEnumerable<(string Name, int Dimensions)> named = own.Select(p => (p.Name, (int)p.Value.dim()));
            foreach (var group in LayerDecayGroups.Build(named, encoder.Network.Options.Depth, layerDecay, weightDecay))
            {
                groups.Add((group, [.. group.Parameters.Select(n => byName[n])]));
            }
        }

        return groups;
    }

    public void Dispose() => _head.Dispose();
}
