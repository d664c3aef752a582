using System.Text.Json;
using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>
/// Waveform to log-mel, the filter bank, waveform preparation and volume. A configuration may hold further front ends: an object with an <c>n_fft</c> of its own,
/// which takes from the first what it does not state. Its results bear its name: as a folder (<c>out/alt/…</c>) or as a word of a name (<c>logmel_alt</c>).
/// </summary>
internal sealed class AudioFrontendTopic : IGoldenTopic
{
    private const string Factor = "voljitter_factor";

    public IReadOnlyCollection<string> Topics { get; } = ["audio_frontend"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        var config = golden.Config;
        var main = Read(config, config);
        var ends = config.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.Object && field.Value.Has("n_fft"))
            .ToDictionary(field => field.Name, field => Read(field.Value, config), StringComparer.Ordinal);
        foreach (var name in golden.TensorNames.Where(n => n.StartsWith("out/", StringComparison.Ordinal)))
        {
            Compare(golden, check, name, main, ends);
        }

        foreach (var name in golden.Scalars.Keys)
        {
            Count(golden, check, name, main, ends);
        }
    }

    private static void Compare(GoldenCase golden, GoldenCheck check, string name, FrontEnd main, Dictionary<string, FrontEnd> ends)
    {
        var wave = "in" + name[3..];
        if (golden.Has(wave))
        {
            Samples(golden, check, wave, name);
            return;
        }

        (var end, var plain) = Owner(name, main, ends);
        var kind = plain[(plain.LastIndexOf('/') + 1)..];
        if (kind == "mel_filterbank")
        {
            check.Close(name, end.Kernel.Filters.ToMatrix(), [end.Kernel.Options.Mels, end.Kernel.Filters.Bins]);
        }
        else if (kind is "logmel" or "normalized")
        {
            // The waveform is named like the result's folder, with or without the front end's name; where none is, it is the one whose spectrogram is nearest.
            string[] folders = [name[..name.LastIndexOf('/')], plain[..plain.LastIndexOf('/')]];
            string[] inputs = [.. folders.Select(folder => "in" + folder[3..]).Where(golden.Has).Take(1)];
            inputs = inputs.Length > 0 ? inputs : [.. golden.TensorNames.Where(n => n.StartsWith("in/", StringComparison.Ordinal) && golden.Shape(n).Length == 1)];
            var expected = golden.AsDoubles(name);
            (var values, var frames) = inputs.Select(input => Spectrogram(end, golden.Floats(input), kind == "normalized"))
                .MinBy(made => made.Values.Length == expected.Length ? made.Values.Zip(expected, (a, b) => Math.Abs(a - b)).Max() : double.MaxValue);
            check.Close(name, values, [1, end.Kernel.Options.Mels, frames]);
        }
    }

    private static (float[] Values, int Frames) Spectrogram(FrontEnd end, float[] samples, bool normalized)
    {
        var frames = end.Kernel.Frames(samples.Length);
        var mel = new float[end.Kernel.Options.Mels * frames];
        end.Kernel.Compute(samples, mel);
        return (normalized ? Array.ConvertAll(mel, value => (value - end.Mean) / end.Std) : mel, frames);
    }

    private static void Samples(GoldenCase golden, GoldenCheck check, string wave, string result)
    {
        var samples = golden.Floats(wave);
        if (wave.StartsWith("in/prep", StringComparison.Ordinal))
        {
            var prep = golden.Config.GetProperty("prep");
            var mono = new float[Waveform.Samples(prep.GetProperty("duration").GetDouble(), prep.GetProperty("sample_rate").GetInt32())];
            check.Equal("prepared samples", mono.Length, prep.GetProperty("samples").GetInt32());
            Waveform.Prepare(samples, (int)golden.Shape(wave)[0], mono);
            check.Close(result, mono, [1, mono.Length]);
        }
        else
        {
            Waveform.Scale(samples, golden.Scalar(Factor));
            check.Close(result, samples);
            check.Scalar(Factor, golden.Scalar(Factor));
        }
    }

    private static void Count(GoldenCase golden, GoldenCheck check, string name, FrontEnd main, Dictionary<string, FrontEnd> ends)
    {
        (var end, var plain) = Owner(name, main, ends);
        foreach (var seconds in golden.Config.GetProperty("durations_s").EnumerateArray())
        {
            if (plain == $"frames_{seconds.GetRawText()}s")
            {
                check.Scalar(name, end.Kernel.Frames(Waveform.Samples(seconds.GetDouble(), end.Kernel.Options.SampleRate)));
            }
        }
    }

    // The front end whose name is a word of the result's, and the result's name without it.
    private static (FrontEnd End, string Plain) Owner(string name, FrontEnd main, Dictionary<string, FrontEnd> ends)
    {
        foreach ((var word, var end) in ends)
        {
            var plain = string.Join('/', name.Split('/').Select(part => string.Join('_', part.Split('_').Where(w => w != word))).Where(part => part.Length > 0));
            if (plain != name)
            {
                return (end, plain);
            }
        }

        return (main, name);
    }

    private static FrontEnd Read(GoldenField own, GoldenField otherwise)
    {
        var top = Needed("fmax");
        return new FrontEnd(
            new SimdLogMel(new LogMelOptions
            {
                SampleRate = Needed("sample_rate").GetInt32(),
                NFft = Needed("n_fft").GetInt32(),
                Hop = Needed("hop_length", "hop").GetInt32(),
                Mels = Needed("n_mels", "mels").GetInt32(),
                FMin = Needed("fmin").GetDouble(),
                FMax = top.ValueKind == JsonValueKind.Null ? null : top.GetDouble(),
                PowerEpsilon = Needed("power_eps").GetDouble(),
                LogEpsilon = Needed("log_eps").GetDouble(),
            }),
            Needed("mean").GetSingle(),
            Needed("std").GetSingle());

        GoldenField Needed(params ReadOnlySpan<string> names)
        {
            foreach (var holder in new[] { own, otherwise })
            {
                foreach (var name in names)
                {
                    if (holder.TryGetProperty(name, out var value))
                    {
                        return value;
                    }
                }
            }

            throw new InvalidDataException($"{own.Path} has no field {names[0]}");
        }
    }

    private sealed record FrontEnd(SimdLogMel Kernel, float Mean, float Std);
}
