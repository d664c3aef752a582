using TorchSharp;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>The rate at which this device multiplies large matrices: what model FLOP utilisation is measured against.</summary>
public static class MatmulPeak
{
    private const int DeviceSize = 8192, DeviceProducts = 4;
    private const int HostSize = 640, HostStep = 64;

    // A peak is a maximum. Blocks of a few milliseconds fall between the turns that others have on the processor; it is found when so many in a row are no faster.
    private const int Patience = 50;
    private const double Faster = 1.002;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>The fastest of many blocks of square products of a type, on the calling thread's number of threads, FLOP per second.</summary>
    public static double Measure(Device device, ScalarType type, TimeProvider time)
    {
        var onDevice = device.type == DeviceType.CUDA;
        var n = onDevice ? DeviceSize : (int)Math.Round(HostSize * Math.Cbrt(get_num_threads()) / HostStep) * HostStep; // as much work for each thread, however many there are
        var products = onDevice ? DeviceProducts : 1;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor a = randn(n, n, device: device).to(type), b = randn(n, n, device: device).to(type);
        Block(); // pays for the threads and the libraries
        var began = time.GetTimestamp();
        double best = 0;
        for (var since = 0; since < Patience && time.GetElapsedTime(began) < Limit; since++)
        {
            var start = time.GetTimestamp();
            Block();
            var rate = 2.0 * n * n * n * products / time.GetElapsedTime(start).TotalSeconds;
            since = rate > best * Faster ? -1 : since;
            best = Math.Max(best, rate);
        }

        return best;

        void Block()
        {
            for (var i = 0; i < products; i++)
            {
                using var product = matmul(a, b);
            }

            if (onDevice)
            {
                cuda.synchronize(device);
            }
        }
    }
}
