using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// Powers to log-mel. A bin is heard by two neighbouring bands at most, falling in the lower one and rising in the upper: the bins between two neighbouring centres
/// are gone through once, for both.
/// </summary>
internal sealed unsafe class MelProjection<T>
    where T : struct, ILanes<T>
{
    private readonly int[] _bins;        // bins of the stretch in which band s rises and band s - 1 falls, s = 0 … mels
    private readonly int _first;
    private readonly float[] _weights;   // per bin of the stretches: falling, rising
    private readonly float[] _epsilon;   // per band

    public MelProjection(MelFilterBank bank, LogMelOptions options)
    {
        var rows = bank.Rows;
        _epsilon = [.. rows.Select(row => (float)(options.LogEpsilon + (options.PowerEpsilon * row.Sum(weight => (double)weight))))];
        _bins = new int[bank.Mels + 1];
        List<float> weights = [];
        var rising = 0;
        _first = Enumerable.Range(0, bank.Bins).FirstOrDefault(bin => rows.Any(row => row[bin] > 0));
        for (var bin = _first; bin < bank.Bins; bin++)
        {
            var lowest = Array.FindIndex(rows, row => row[bin] > 0);
            if (lowest < 0)
            {
                weights.AddRange([0, 0]);
                _bins[rising]++;
                continue;
            }
            var highest = Array.FindLastIndex(rows, row => row[bin] > 0);
            rising = Math.Max(rising, highest);
            if (lowest < rising - 1)
            {
                throw new ArgumentException($"bin {bin} is heard by bands {lowest} to {highest}, not by two neighbours.", nameof(bank));
            }
            weights.AddRange([rising > 0 ? rows[rising - 1][bin] : 0, rising < rows.Length ? rows[rising][bin] : 0]);
            _bins[rising]++;
        }
        _weights = [.. weights];
    }

    /// <param name="power">[bins, lanes], aligned.</param>
    /// <param name="mel">Receives a vector per band.</param>
    /// <param name="stride">Floats from one band's vector to the next.</param>
    public void Compute(float* power, float* mel, int stride)
    {
        power += T.Count * _first;
        T zero = T.All(0), falling = zero, fallingToo = zero;
        float* sums = mel, end = mel + _epsilon.Length * (nint)stride;
        fixed (float* weights = _weights)
        {
            var weight = weights;
            for (var stretch = 0; stretch < _bins.Length; stretch++)
            {
                // Two sums of each, as an addition waits for the one before it. The power's epsilon, the same in every bin, is added once, with the logarithm's.
                T rising = T.All(stretch < _epsilon.Length ? _epsilon[stretch] : 0), risingToo = zero;
                var bins = _bins[stretch];
                for (; bins > 1; bins -= 2, power += 2 * T.Count, weight += 4)
                {
                    T even = T.Load(power), odd = T.Load(power + T.Count);
                    falling = T.MultiplyAdd(even, T.All(weight[0]), falling);
                    rising = T.MultiplyAdd(even, T.All(weight[1]), rising);
                    fallingToo = T.MultiplyAdd(odd, T.All(weight[2]), fallingToo);
                    risingToo = T.MultiplyAdd(odd, T.All(weight[3]), risingToo);
                }
                if (bins > 0)
                {
                    var even = T.Load(power);
                    falling = T.MultiplyAdd(even, T.All(weight[0]), falling);
                    rising = T.MultiplyAdd(even, T.All(weight[1]), rising);
                    power += T.Count;
                    weight += 2;
                }
                if (stretch > 0)
                {
                    T.StoreAnywhere(falling + fallingToo, sums);
                    sums += stride;
                }
                (falling, fallingToo) = (rising, risingToo);
            }
        }

        // Apart from the sums: the rare call in a logarithm would have them wait in memory at every bin.
        for (var band = mel; band < end; band += stride)
        {
            T.StoreAnywhere(Log(T.LoadAnywhere(band)), band);
        }
    }

    // ln(2^e · (1 + x)) by the polynomial of Cephes' logf; ln 2 in two parts, of which e times the first is exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Log(T value)
    {
        var normal = T.Split(value, out var exponent, out var fraction);
        T x = fraction - T.All(1), square = x * x;
        var sum = T.MultiplyAdd(T.All(7.0376836292e-2f), x, T.All(-1.1514610310e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(1.1676998740e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(-1.2420140846e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(1.4249322787e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(-1.6668057665e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(2.0000714765e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(-2.4999993993e-1f));
        sum = T.MultiplyAdd(sum, x, T.All(3.3333331174e-1f));
        sum = T.MultiplyAdd(exponent, T.All(-2.12194440e-4f), sum * x * square);
        sum = T.MultiplySubtract(square, T.All(0.5f), sum);
        var log = T.MultiplyAdd(exponent, T.All(0.693359375f), x + sum);
        return normal ? log : T.LogOfRest(value, log);
    }
}
