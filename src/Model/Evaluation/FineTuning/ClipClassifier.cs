using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Configuration;
using Xkd.Model.Networks;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>One or several encoders with a head on their joined features. Frozen encoders run without gradients and stay as they are.</summary>
internal sealed class ClipClassifier : IDisposable
{
    private readonly IReadOnlyList<EvaluationEncoder> _encoders;
    private readonly bool _frozen;

    /// <param name="encoders">Stay the caller's to dispose of.</param>
    /// <param name="classes">Scores per clip.</param>
    /// <param name="head">What stands before the linear layer.</param>
    /// <param name="frozen">Only the head is trained.</param>
    public ClipClassifier(IReadOnlyList<EvaluationEncoder> encoders, int classes, HeadSection head, bool frozen)
    {
        (_encoders, _frozen) = (encoders, frozen);
        Head = new ClassifierHead(encoders.Sum(e => e.Width), classes, new ClassifierOptions { UnitLength = head.UnitLength, BatchNorm = head.BatchNorm, Dropout = head.Dropout });
        Head.to(Device);
        foreach (Parameter parameter in encoders.SelectMany(e => StateNames.Parameters(e.Network)).Select(p => p.Value))
        {
            parameter.requires_grad = !frozen;
        }
    }

    public ClassifierHead Head { get; }

    public Device Device => _encoders[0].Network.PositionTable.device;

    /// <summary>Logits [N, classes] of each encoder's input, in the encoders' order.</summary>
    public Tensor Forward(IReadOnlyList<Tensor> inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor features;
        using (IDisposable? unrecorded = _frozen ? no_grad() : null)
        {
            Tensor[] parts = [.. _encoders.Zip(inputs, (encoder, input) => encoder.Features(input))];
            features = parts.Length == 1 ? parts[0] : cat(parts, 1); // [N, ΣD]
        }

        return Head.call(features).MoveToOuterDisposeScope();
    }

    /// <summary>Training or evaluation mode; frozen encoders are always in the latter.</summary>
    public void Train(bool training)
    {
        Head.train(training);
        foreach (EvaluationEncoder encoder in _encoders)
        {
            encoder.Network.train(training && !_frozen);
        }
    }

    /// <summary>What is trained: the head alone, all of it decayed, or everything in groups by layer.</summary>
    public IReadOnlyList<(DecayGroup Group, IReadOnlyList<Parameter> Parameters)> Groups(double layerDecay, double weightDecay)
    {
        IReadOnlyList<(string Name, Parameter Value)> head = StateNames.Parameters(Head, "head.");
        if (_frozen)
        {
            return [(new DecayGroup(1, weightDecay, [.. head.Select(p => p.Name)]), [.. head.Select(p => p.Value)])];
        }

        List<(DecayGroup, IReadOnlyList<Parameter>)> groups = [];
        foreach ((int index, EvaluationEncoder encoder) in _encoders.Index())
        {
            // The head belongs to the first encoder's groups; a second encoder has only its own.
            (string Name, Parameter Value)[] own =
            [
                .. StateNames.Parameters(encoder.Network).Select(p => (WeightNames.ToEvaluation(p.Name), p.Value)), .. index == 0 ? head : [],
            ];
            Dictionary<string, Parameter> byName = own.ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
            foreach (DecayGroup group in LayerDecayGroups.Build(own.Select(p => (p.Name, (int)p.Value.dim())), encoder.Network.Options.Depth, layerDecay, weightDecay))
            {
                groups.Add((group, [.. group.Parameters.Select(n => byName[n])]));
            }
        }

        return groups;
    }

    public void Dispose() => Head.Dispose();
}
