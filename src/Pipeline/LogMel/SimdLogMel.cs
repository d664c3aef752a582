using System.Numerics;
using System.Runtime.Intrinsics;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The log-mel kernel: eight frames at a time through a vectorised transform, a sparse filter bank and a vector logarithm.
/// One instance serves any number of threads; after its first calls it allocates nothing.
/// </summary>
public sealed unsafe class SimdLogMel : ILogMel
{
    private const int Lanes = 8;
    private readonly PowerSpectrum8 _spectrum;
    private readonly float[] _epsilon; // per filter
    private readonly ScratchPool<Scratch> _scratch;

    /// <exception cref="UsageException">An option outside its range.</exception>
    public SimdLogMel(LogMelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.NFft is < 8 or > 65536 || !BitOperations.IsPow2(options.NFft))
        {
            throw new UsageException($"n_fft is {options.NFft}: it must be a power of two from 8 to 65536, such as 1024.");
        }
        if (options.Hop < 1)
        {
            throw new UsageException($"hop is {options.Hop}: it must be at least one sample.");
        }
        Options = options;
        Filters = new MelFilterBank(options);
        _spectrum = new PowerSpectrum8(options.NFft);
        _epsilon = [.. Filters.Weights.Select(filter => (float)(options.LogEpsilon + (options.PowerEpsilon * filter.Sum(weight => (double)weight))))];
        _scratch = new ScratchPool<Scratch>(() => new Scratch(
            new AlignedBuffer<float>((Lanes - 1) * options.Hop + options.NFft),
            new AlignedBuffer<float>(_spectrum.WorkLength),
            new AlignedBuffer<float>(Lanes * Filters.Bins)));
    }

    /// <inheritdoc/>
    public LogMelOptions Options { get; }

    /// <summary>The mel filters in use.</summary>
    public MelFilterBank Filters { get; }

    /// <inheritdoc/>
    public int Frames(int samples) => samples <= 0 ? 0 : 1 + samples / Options.Hop;

    /// <inheritdoc/>
    public void Compute(ReadOnlySpan<float> samples, Span<float> melMajor)
    {
        int frames = Frames(samples.Length);
        if (melMajor.Length != frames * Options.Mels)
        {
            throw new ArgumentException(
                $"{samples.Length} samples give {Options.Mels} x {frames} values, the destination holds {melMajor.Length}.", nameof(melMajor));
        }
        Scratch scratch = _scratch.Rent();
        int span = scratch.Window.Length;
        fixed (float* start = samples)
        {
            for (int frame = 0; frame < frames; frame += Lanes)
            {
                int from = frame * Options.Hop - Options.NFft / 2;
                float* window = start + from;
                if (from < 0 || from + span > samples.Length)
                {
                    // The lanes past the last frame read reflected samples too: they cost nothing and are not stored.
                    Reflect(samples, from, scratch.Window.Span);
                    window = scratch.Window.Pointer;
                }
                _spectrum.Compute(window, Options.Hop, scratch.Work.Pointer, scratch.Power.Pointer);
                Project(scratch.Power.Pointer, melMajor[frame..], frames, Math.Min(Lanes, frames - frame));
            }
        }
        _scratch.Return(scratch);
    }

    /// <summary>Copies samples <paramref name="from"/>… of the waveform continued by mirroring at its first and last sample, as often as it takes.</summary>
    private static void Reflect(ReadOnlySpan<float> samples, int from, Span<float> window)
    {
        int period = 2 * (samples.Length - 1);
        for (int i = 0; i < window.Length; i++)
        {
            int at = from + i;
            if ((uint)at >= (uint)samples.Length)
            {
                // One sample has nothing to mirror: it is held, as numpy does.
                at = period == 0 ? 0 : ((at % period) + period) % period;
                at = at < samples.Length ? at : period - at;
            }
            window[i] = samples[at];
        }
    }

    private void Project(float* power, Span<float> melMajor, int stride, int valid)
    {
        int[] firstBin = Filters.FirstBin;
        for (int m = 0; m < firstBin.Length; m++)
        {
            // Two sums, as each addition waits for the one before it. The power's epsilon, the same in every bin, is added once, with the logarithm's.
            Vector256<float> even = Vector256.Create(_epsilon[m]), odd = Vector256<float>.Zero;
            float* bin = power + Lanes * firstBin[m];
            fixed (float* weights = Filters.Weights[m])
            {
                float* weight = weights;
                for (float* end = weights + (Filters.Weights[m].Length & ~1); weight < end; weight += 2, bin += 2 * Lanes)
                {
                    even = Vector256.FusedMultiplyAdd(Vector256.LoadAligned(bin), Vector256.Create(weight[0]), even);
                    odd = Vector256.FusedMultiplyAdd(Vector256.LoadAligned(bin + Lanes), Vector256.Create(weight[1]), odd);
                }
                if ((Filters.Weights[m].Length & 1) != 0)
                {
                    even = Vector256.FusedMultiplyAdd(Vector256.LoadAligned(bin), Vector256.Create(*weight), even);
                }
            }
            Vector256<float> value = Vector256.Log(even + odd);
            Span<float> row = melMajor[(m * stride)..];
            if (valid == Lanes)
            {
                value.CopyTo(row);
            }
            else
            {
                for (int lane = 0; lane < valid; lane++)
                {
                    row[lane] = value[lane];
                }
            }
        }
    }

    private sealed record Scratch(AlignedBuffer<float> Window, AlignedBuffer<float> Work, AlignedBuffer<float> Power);
}
