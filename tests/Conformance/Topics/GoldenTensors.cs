using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>Moves numbers between golden cases and tensors.</summary>
internal static class GoldenTensors
{
    static GoldenTensors()
    {
        LibTorch.Load();
        set_num_threads(1);
    }

    /// <summary>A scope for a topic's tensors; every topic starts with it, because touching this class loads libtorch before TorchSharp looks for it.</summary>
    public static DisposeScope Scope() => NewDisposeScope();

    /// <summary>Where the case's networks and objectives run.</summary>
    public static Device Device(this GoldenCase golden) => Devices.Parse(golden.DeviceName);

    /// <summary>A float32 tensor of the case, on its device.</summary>
    public static Tensor Tensor(this GoldenCase golden, string name) => tensor(golden.Floats(name), golden.Shape(name), device: golden.Device());

    public static void Close(this GoldenCheck check, string name, Tensor actual)
    {
        using var plain = actual.detach().cpu().contiguous();
        if (plain.dtype == ScalarType.Float64)
        {
            check.Close(name, plain.data<double>().ToArray(), plain.shape);
        }
        else
        {
            check.Close(name, plain.data<float>().ToArray(), plain.shape);
        }
    }

    public static void Same(this GoldenCheck check, string name, Tensor actual)
    {
        using var plain = actual.detach().cpu().contiguous();
        check.Same(name, plain.data<long>().ToArray());
    }

    public static void Scalar(this GoldenCheck check, string name, Tensor actual)
    {
        using var wide = actual.detach().to(ScalarType.Float64);
        check.Scalar(name, wide.item<double>());
    }

    /// <summary>Fills a module from the case's <c>state/</c>; a name of the module that the case has not, or the other way round, is a failure.</summary>
    public static void LoadState(GoldenCase golden, GoldenCheck check, nn.Module module, Func<string, bool>? absent = null)
    {
        using var unrecorded = no_grad();
        var aliases = Strings(golden, "aliases");
        var own = StateNames.StateDict(module).ToList();
        foreach (var (name, value) in own)
        {
            var stored = "state/" + aliases.GetValueOrDefault(name, name);
            if (golden.Has(stored))
            {
                using var source = golden.Tensor(stored);
                value.copy_(source);
            }
            else if (absent?.Invoke(name) != true)
            {
                check.Fail($"{stored}: the module has it, the case does not");
            }
        }

        check.SameSequence("names of the state",
            own.Select(e => aliases.GetValueOrDefault(e.Name, e.Name)).Where(n => golden.Has("state/" + n)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
            golden.TensorNames.Where(n => n.StartsWith("state/", StringComparison.Ordinal)).Select(n => n["state/".Length..]).Order(StringComparer.Ordinal));
        foreach (var (alias, target) in aliases)
        {
            check.Equal($"{alias} is {target}", own.FirstOrDefault(e => e.Name == alias).Value?.Handle, own.FirstOrDefault(e => e.Name == target).Value?.Handle);
        }
    }

    public static Dictionary<string, string> Strings(GoldenCase golden, string field) => golden.Json.TryGetProperty(field, out var map)
        ? map.EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetString()!, StringComparer.Ordinal)
        : new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Norms of the current gradients, 0 where there is none.</summary>
    public static Dictionary<string, double> GradientNorms(IEnumerable<(string Name, Parameter Value)> parameters) => parameters.ToDictionary(
        e => e.Name, e => e.Value.grad is { } gradient ? gradient.to(ScalarType.Float64).norm().item<double>() : 0, StringComparer.Ordinal);

    /// <summary>Compares a map name → number of the manifest; the names must be the same.</summary>
    public static void SameMap(this GoldenCheck check, string what, IReadOnlyDictionary<string, double> actual, JsonElement expected, Tolerance tolerance)
    {
        var wanted = expected.EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetDouble(), StringComparer.Ordinal);
        check.SameSequence(what + " names", actual.Keys.Order(StringComparer.Ordinal), wanted.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, value) in wanted.Where(e => actual.ContainsKey(e.Key)))
        {
            check.Values($"{what} {name}", [actual[name]], [value], tolerance);
        }
    }
}
