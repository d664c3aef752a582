using TorchSharp.Modules;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// Initial values from a seed, drawn on the CPU so that they are the same on every device. Linear layers xavier-uniform with bias 0, tokens and position
/// tables N(0, 0.02); in a projector the MLP is N(0, 0.02) and the last layer uniform within 1/√inputs (reference behaviour).
/// </summary>
internal sealed class Initialisation : IDisposable
{
    private const double Std = 0.02;

    private readonly Generator generator;
    private readonly HashSet<nn.Module> done = new(ReferenceEqualityComparer.Instance);

    public Initialisation(ulong seed) => generator = new Generator(seed, CPU);

    /// <summary>Draws a module's parameters in the order of their names; a module shared with one drawn before keeps its values.</summary>
    public void Draw(nn.Module module)
    {
        using var scope = NewDisposeScope(); // what writes in place returns a second handle
        using var unrecorded = no_grad();
        Visit(module, inProjector: false);
    }

    public void Dispose() => generator.Dispose();

    private void Visit(nn.Module module, bool inProjector)
    {
        if (!done.Add(module))
        {
            return;
        }

        switch (module)
        {
            case Linear linear:
                if (inProjector)
                {
                    Normal(linear.Weight);
                }
                else
                {
                    Uniform(linear.Weight, Math.Sqrt(6.0 / (linear.Weight.shape[0] + linear.Weight.shape[1])));
                }

                linear.Bias?.zero_();
                break;
            case WeightNormLinear last:
                Uniform(last.Direction, 1 / Math.Sqrt(last.Direction.shape[1]));
                if (last.FixedMagnitude)
                {
                    last.Magnitude.Fill(1);
                }
                else
                {
                    using var lengths = last.Direction.norm(1, keepdim: true, p: 2); // [K, 1]
                    last.Magnitude.copy_(lengths);
                }

                break;
            case ViT or MaskedAutoencoder:
                foreach (var (_, table) in module.named_parameters(recurse: false))
                {
                    Normal(table);
                }

                break;
        }

        foreach (var (_, child) in module.named_children())
        {
            Visit(child, inProjector || module is Projector);
        }
    }

    private void Normal(Parameter parameter)
    {
        using var scope = NewDisposeScope();
        parameter.copy_(empty(parameter.shape).normal_(0, Std, generator));
    }

    private void Uniform(Parameter parameter, double bound)
    {
        using var scope = NewDisposeScope();
        parameter.copy_(empty(parameter.shape).uniform_(-bound, bound, generator));
    }
}
