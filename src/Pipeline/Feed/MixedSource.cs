using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A cache in a mix of several.</summary>
/// <param name="Cache">A committed cache.</param>
/// <param name="Weight">
/// How often its clips are drawn, beside the weights of the others; null is 1. Where no member of a mix has a weight, an epoch visits all clips of all of them.
/// </param>
public sealed record MixMember(Cache Cache, double? Weight = null)
{
    /// <summary>Mean and deviation of the log-mel over what is drawn of a mix; none if a member has none.</summary>
    public static MelStatistics MelOf(IReadOnlyList<MixMember> mix) => MixedSource.Pool([.. mix.Select(m => (m.Cache.Mel, m.Weight, m.Cache.Clips.Count))]);
}

/// <summary>
/// Clips of several sources as those of one: the clips of the first, then those of the second, and so on. What the sources were ingested with may
/// differ in all that a feed does not ask for.
/// </summary>
internal sealed class MixedSource : IClipSource
{
    private readonly Dictionary<ClipEntry, IClipSource> _sources = new(ReferenceEqualityComparer.Instance);

    /// <param name="members">The sources and their weights; see <see cref="MixMember"/>.</param>
    /// <exception cref="UsageException">A weight that cannot be, or a clip of two members.</exception>
    public MixedSource(IReadOnlyList<(IClipSource Source, double? Weight)> members)
    {
        List<ClipEntry> clips = [];
        List<SourceMember> parts = [];
        foreach ((var source, var weight) in members)
        {
            Require(weight is null || (weight > 0 && double.IsFinite(weight.Value)), source, $"a weight of {weight}: write a positive number");
            parts.Add(new SourceMember(source, clips.Count, source.Clips.Count, weight));
            clips.AddRange(source.Clips);
            foreach (var clip in source.Clips)
            {
                Require(_sources.TryAdd(clip, source), source, $"clip {clip.Id} is there twice: a mix has every clip once");
            }
        }

        // A cache that was opened twice has other entries for the same clips.
        foreach (var same in parts.GroupBy(m => m.Source.Name).Where(g => g.Count() > 1))
        {
            HashSet<string> ids = [];
            var twice = same.SelectMany(m => clips.Skip(m.First).Take(m.Count)).FirstOrDefault(clip => !ids.Add(clip.Id));
            Require(twice is null, same.First().Source, $"clip {twice?.Id} is there twice: a mix has every clip once");
        }

        (Clips, Members) = (clips, parts.Count > 0 ? parts : throw new UsageException("a mix has no cache: name one at least"));
    }

    /// <summary>A mix of caches, each opened as a source.</summary>
    public static MixedSource Of(IEnumerable<MixMember> mix, Func<Cache, IClipSource> open) => new([.. mix.Select(m => (open(m.Cache), m.Weight))]);

    public string Name => string.Join(" + ", Members.Select(m => m.Source.Name));

    public IReadOnlyList<ClipEntry> Clips { get; }

    public IReadOnlyList<SourceMember> Members { get; }

    public Fingerprint Fingerprint => throw new NotSupportedException("each member of a mix has a fingerprint of its own");

    public MelStatistics MelStatistics => Pool([.. Members.Select(m => (m.Source.MelStatistics, m.Weight, m.Count))]);

    public int? Requests => Members.Max(m => m.Source.Requests);

    /// <summary>Mean and deviation of a value that is drawn from one of several distributions; of one alone, its own.</summary>
    public static MelStatistics Pool(IReadOnlyList<(MelStatistics Mel, double? Weight, int Clips)> members)
    {
        if (members.Count == 1 || members.Any(m => !m.Mel.Any))
        {
            return members.Count == 1 ? members[0].Mel : new MelStatistics();
        }

        var weighted = members.Any(m => m.Weight is not null);
        double[] shares = [.. members.Select(m => weighted ? m.Weight ?? 1 : m.Clips)];
        double Expected(Func<MelStatistics, double> of) => members.Zip(shares, (m, share) => share / shares.Sum() * of(m.Mel)).Sum();
        var mean = Expected(m => m.Mean);
        var variance = Expected(m => (m.Std * m.Std) + ((m.Mean - mean) * (m.Mean - mean)));
        (var frames, var values) = (members.Sum(m => m.Mel.Frames), members.Sum(m => m.Mel.Values));
        return new MelStatistics
        {
            Mean = mean, Std = Math.Sqrt(variance), Frames = frames, Values = values, Sum = mean * values, SumSquares = (variance + (mean * mean)) * values,
        };
    }

    public string? CacheOf(ClipEntry clip) => Members.Count > 1 ? _sources[clip].Name : null;

    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination) =>
        _sources[clip].ReadFrames(clip, firstFrame, count, destination);

    public void ReadMel(ClipEntry clip, Span<Half> destination) => _sources[clip].ReadMel(clip, destination);

    public void ReadPcm(ClipEntry clip, Span<short> destination) => _sources[clip].ReadPcm(clip, destination);

    public void Dispose() => Members.ToList().ForEach(m => m.Source.Dispose());

    private static void Require(bool holds, IClipSource source, string error)
    {
        if (!holds)
        {
            throw new UsageException($"cache {source.Name}: {error}");
        }
    }
}
