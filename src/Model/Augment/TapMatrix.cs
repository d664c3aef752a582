using static TorchSharp.torch;

namespace Xkd.Model.Augment;

/// <summary>
/// Resampling along one axis as one matrix per clip, made on the device of a few taps per output: [clips, outputs, inputs] from indices
/// and weights [clips, outputs, taps]. Taps at the same input add up; a tap of weight 0 may point anywhere inside.
/// </summary>
internal sealed class TapMatrix(int clips, int outputs, int taps)
{
    private readonly long[] _index = new long[clips * outputs * taps];
    private readonly double[] _weight = new double[clips * outputs * taps];

    public void Set(int clip, int output, int tap, int input, double weight)
    {
        int at = (((clip * outputs) + output) * taps) + tap;
        (_index[at], _weight[at]) = (input, weight);
    }

    /// <summary>The matrices, float64 [clips, outputs, inputs].</summary>
    public Tensor Dense(int inputs, Device device)
    {
        using Tensor index = tensor(_index, [clips, outputs, taps], device: device);
        using Tensor weight = tensor(_weight, [clips, outputs, taps], device: device);
        return zeros([clips, outputs, inputs], ScalarType.Float64, device).scatter_add_(2, index, weight);
    }
}
