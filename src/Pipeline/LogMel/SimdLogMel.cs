using System.Runtime.Intrinsics;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The log-mel kernel: sixteen frames at a time where the processor has vectors of 512 bits, else eight, through a vectorised real transform, a sparse filter bank and a
/// vector logarithm. One instance serves any number of threads; after its first calls it allocates nothing.
/// </summary>
public sealed class SimdLogMel : ILogMel
{
    private readonly ILogMel _kernel;

    /// <exception cref="UsageException">An option outside its range.</exception>
    public SimdLogMel(LogMelOptions options)
        : this(options, Vector512.IsHardwareAccelerated)
    {
    }

    /// <summary>Chooses the width, which changes no bit of the result.</summary>
    internal SimdLogMel(LogMelOptions options, bool wide)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.NFft is < 8 or > 65536 || options.NFft % 2 != 0)
        {
            throw new UsageException($"n_fft is {options.NFft}: it must be an even number from 8 to 65536, such as 1024.");
        }
        if (options.Hop < 1)
        {
            throw new UsageException($"hop is {options.Hop}: it must be at least one sample.");
        }
        Filters = new MelFilterBank(options);
        _kernel = wide ? new FrameKernel<Lanes16>(options, Filters) : new FrameKernel<Lanes8>(options, Filters);
    }

    /// <inheritdoc/>
    public LogMelOptions Options => _kernel.Options;

    /// <summary>The mel filters in use.</summary>
    public MelFilterBank Filters { get; }

    /// <inheritdoc/>
    public int Frames(int samples) => _kernel.Frames(samples);

    /// <inheritdoc/>
    public void Compute(ReadOnlySpan<float> samples, Span<float> melMajor) => _kernel.Compute(samples, melMajor);

    private sealed unsafe class FrameKernel<T> : ILogMel
        where T : struct, ILanes<T>
    {
        private readonly PowerSpectrum<T> _spectrum;
        private readonly MelProjection<T> _projection;
        private readonly ScratchPool<Scratch> _scratch;

        public FrameKernel(LogMelOptions options, MelFilterBank filters)
        {
            Options = options;
            _spectrum = new PowerSpectrum<T>(options.NFft);
            _projection = new MelProjection<T>(filters, options);
            _scratch = new ScratchPool<Scratch>(() => new Scratch(
                new AlignedBuffer<float>((T.Count - 1) * options.Hop + _spectrum.Reach),
                _spectrum.Rent(),
                new AlignedBuffer<float>(T.Count * filters.Bins),
                new AlignedBuffer<float>(T.Count * options.Mels)));
        }

        public LogMelOptions Options { get; }

        public int Frames(int samples) => samples <= 0 ? 0 : 1 + samples / Options.Hop;

        public void Compute(ReadOnlySpan<float> samples, Span<float> melMajor)
        {
            var frames = Frames(samples.Length);
            if (melMajor.Length != frames * Options.Mels)
            {
                throw new ArgumentException(
                    $"{samples.Length} samples give {Options.Mels} x {frames} values, the destination holds {melMajor.Length}.", nameof(melMajor));
            }
            var scratch = _scratch.Rent();
            var span = scratch.Window.Length;
            fixed (float* start = samples, mel = melMajor)
            {
                for (var frame = 0; frame < frames; frame += T.Count)
                {
                    var from = frame * Options.Hop - Options.NFft / 2;
                    var window = start + from;
                    if (from < 0 || from + span > samples.Length)
                    {
                        // The lanes past the last frame read reflected samples too: they cost nothing and are not stored.
                        Reflect(samples, from, scratch.Window.Span);
                        window = scratch.Window.Pointer;
                    }
                    _spectrum.Compute(window, Options.Hop, scratch.Spectrum, scratch.Power.Pointer);
                    if (frame + T.Count <= frames)
                    {
                        _projection.Compute(scratch.Power.Pointer, mel + frame, frames);
                        continue;
                    }
                    _projection.Compute(scratch.Power.Pointer, scratch.Tail.Pointer, T.Count);
                    for (var band = 0; band < Options.Mels; band++)
                    {
                        scratch.Tail.Span.Slice(band * T.Count, frames - frame).CopyTo(melMajor[(band * frames + frame)..]);
                    }
                }
            }
            _scratch.Return(scratch);
        }

        /// <summary>Copies samples <paramref name="from"/>… of the waveform continued by mirroring at its first and last sample, as often as it takes.</summary>
        private static void Reflect(ReadOnlySpan<float> samples, int from, Span<float> window)
        {
            var period = 2 * (samples.Length - 1);
            for (var i = 0; i < window.Length; i++)
            {
                var at = from + i;
                if ((uint)at >= (uint)samples.Length)
                {
                    // One sample has nothing to mirror: it is held, as numpy does.
                    at = period == 0 ? 0 : ((at % period) + period) % period;
                    at = at < samples.Length ? at : period - at;
                }
                window[i] = samples[at];
            }
        }

        private sealed record Scratch(AlignedBuffer<float> Window, PowerSpectrum<T>.Scratch Spectrum, AlignedBuffer<float> Power, AlignedBuffer<float> Tail);
    }
}
