using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// A forward and backward pass and one AdamW step on fixed numbers, against values computed once with PyTorch 1.13 in float64. A libtorch of another version
/// may load and still differ in memory layout beneath the binding: wrong numbers show it.
/// </summary>
internal static class NumericSmokeTest
{
    private const double Tolerance = 1e-4;

    private static readonly (string Name, double Expected)[] Reference =
    [
        ("loss", 0.6127917768469031),
        ("gradient of the first weight", 0.6727675593634049),
        ("gradient of the bias", 1.1813223418574261),
        ("gradient of the second weight", 1.7837534206603964),
        ("loss after one step", 0.5162326963894254),
    ];

    /// <summary>What differs from the reference; null where nothing does.</summary>
    /// <param name="device">Where to compute.</param>
    /// <param name="weightDecay">The reference's; another one shows that a wrong step is noticed.</param>
    public static string? Run(Device device, double weightDecay = 0.3)
    {
        using var scope = NewDisposeScope();
        Tensor x = Fixed(device, 4, 6), target = Fixed(device, 4, 2);
        var first = LiveTensors.Parameter(Fixed(device, 8, 6));
        var bias = LiveTensors.Parameter(Fixed(device, 8));
        var second = LiveTensors.Parameter(Fixed(device, 2, 8));

        using var optimizer = optim.AdamW([first, bias, second], lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: weightDecay);
        var loss = Loss();
        loss.backward();
        List<double> found = [loss.item<float>(), Norm(first), Norm(bias), Norm(second)];
        optimizer.step();
        found.Add(Loss().item<float>());

        var wrong = Reference.Zip(found, (reference, value) => (reference.Name, reference.Expected, Value: value))
            .Where(entry => !(Math.Abs(entry.Value - entry.Expected) <= Tolerance * Math.Abs(entry.Expected)))
            .Select(entry => $"{entry.Name} is {entry.Value:g6}, {entry.Expected:g6} expected")
            .ToList();
        return wrong.Count == 0 ? null : string.Join("; ", wrong);

        Tensor Loss()
        {
            var hidden = nn.functional.layer_norm(x.matmul(first.t()).Add(bias), [8]);   // [4, 8]
            var y = nn.functional.gelu(hidden).matmul(second.t());                    // [4, 2]
            var mixed = nn.functional.softmax(y.matmul(y.t()).Div(Math.Sqrt(2)), -1).matmul(y);
            return (mixed - target).Square().mean();
        }
    }

    private static double Norm(Tensor parameter) => parameter.grad!.norm().item<float>();

    private static Tensor Fixed(Device device, params long[] shape)
    {
        var count = shape.Aggregate((product, size) => product * size);
        return tensor([.. Enumerable.Range(0, (int)count).Select(i => ((((7 * i) + 3) % 11) - 5) / 10f)]).reshape(shape).to(device);
    }
}
