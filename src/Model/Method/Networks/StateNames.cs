using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>Names of a module's tensors exactly as PyTorch gives them: a shared tensor appears under every name in the state dict, once as a parameter.</summary>
internal static class StateNames
{
    /// <summary>Every parameter and buffer under every official name, in PyTorch's order; aliases included.</summary>
    public static IEnumerable<(string Name, Tensor Value)> StateDict(nn.Module module, string prefix = "")
    {
        foreach (var (name, parameter) in module.named_parameters(recurse: false))
        {
            yield return (prefix + name, parameter);
        }

        foreach (var (name, buffer) in module.named_buffers(recurse: false))
        {
            yield return (prefix + name, buffer);
        }

        foreach (var (name, child) in module.named_children())
        {
            foreach (var entry in StateDict(child, prefix + name + "."))
            {
                yield return entry;
            }
        }
    }

    /// <summary>Every parameter once, under its first official name, in PyTorch's order.</summary>
    public static IReadOnlyList<(string Name, Parameter Value)> Parameters(nn.Module module, string prefix = "")
    {
        var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        return [.. StateDict(module, prefix).Where(entry => entry.Value is Parameter && seen.Add(entry.Value)).Select(entry => (entry.Name, (Parameter)entry.Value))];
    }
}
