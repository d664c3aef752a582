using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>How large the ablation is: a configuration beside the command, and what the clips are cached as for it.</summary>
/// <param name="Name">As typed after <c>--size</c>.</param>
/// <param name="ShortSide">Of the cached frames, pixels: a quarter more than the views, to crop from.</param>
internal sealed record AblationSize(string Name, int ShortSide)
{
    public static IReadOnlyList<AblationSize> All { get; } = [new("cpu", 40), new("gpu", 80)];

    /// <exception cref="UsageException">No such size.</exception>
    public static AblationSize Of(string name) => All.FirstOrDefault(s => s.Name == name) ?? throw new UsageException($"--size {name}: write {string.Join(" or ", All.Select(s => s.Name))}");

    /// <summary>The row's configuration with a seed.</summary>
    public PretrainConfig Configure(AblationRow row, long seed, IEnumerable<string> overrides) =>
        PretrainConfig.Load(File("experiments", "avdigits", $"{Name}.yaml"), [.. overrides, .. row.Overrides, $"seed={seed}"]);

    /// <summary>How features are probed: the same in every row.</summary>
    public static SvmConfig Probe(long seed) => SvmConfig.Load(File("eval", "svm", "avdigits.yaml"), [$"seed={seed}"]);

    private static string File(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "configs", .. parts]);
}
