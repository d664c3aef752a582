using TorchSharp;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>The rate at which this device multiplies large matrices: what model FLOP utilisation is measured against.</summary>
public static class MatmulPeak
{
    private const int Repetitions = 4, Rounds = 3;

    /// <summary>Best of a few rounds of square float32 products, FLOP per second.</summary>
    public static double Measure(Device device, TimeProvider time)
    {
        int n = device.type == DeviceType.CUDA ? 8192 : 1024;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor a = randn(n, n, device: device), b = randn(n, n, device: device);
        matmul(a, b).sum().cpu(); // the first product pays for the threads and the libraries
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long start = time.GetTimestamp();
            for (int i = 0; i < Repetitions; i++)
            {
                using Tensor product = matmul(a, b);
            }

            matmul(a.narrow(0, 0, 1), b).sum().cpu(); // a tiny product and a read: waits for all before it
            best = Math.Max(best, 2.0 * n * n * n * Repetitions / time.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
