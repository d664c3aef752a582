using Xkd.Pipeline;

namespace Xkd.Experiments.AvDigits;

/// <summary>The sound of a clip: the digit spoken again and again, with pauses, by speakers drawn anew each time, over faint noise.</summary>
internal static class DigitSpeaker
{
    /// <summary>Mono samples at 8 kHz.</summary>
    /// <param name="length">Samples.</param>
    /// <param name="speakers">The digit's recordings by speaker.</param>
    /// <param name="random">What is drawn.</param>
    public static short[] Render(int length, IReadOnlyList<IReadOnlyList<short[]>> speakers, ref SampleRandom random)
    {
        var mixed = new double[length];
        var noise = 32767 * Math.Pow(10, random.Uniform(-60, -40) / 20);
        for (var at = (int)(random.Uniform(0, 0.6) * SpokenDigits.SampleRate); at < length;)
        {
            var speaker = speakers[random.NextInt(speakers.Count)];
            var spoken = speaker[random.NextInt(speaker.Count)];
            var gain = random.Uniform(0.6, 1.2);
            for (var i = 0; i < spoken.Length && at + i < length; i++)
            {
                mixed[at + i] += gain * spoken[i];
            }

            at += spoken.Length + (int)(random.Uniform(0.3, 0.9) * SpokenDigits.SampleRate);
        }

        var samples = new short[length];
        for (var i = 0; i < length; i++)
        {
            samples[i] = (short)Math.Clamp(mixed[i] + (noise * random.Uniform(-1.732, 1.732)), short.MinValue, short.MaxValue);
        }

        return samples;
    }
}
