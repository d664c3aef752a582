using System.CommandLine;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>Options that several verbs share, made anew for each.</summary>
internal static class CommonOptions
{
    /// <summary>What every seed may be.</summary>
    public static NumberRange Seeds => new(0, long.MaxValue);

    /// <summary>Of every verb, for it is the program's own.</summary>
    public static Option<bool> Quiet { get; } = new("--quiet") { Description = "Print only errors and the result.", Recursive = true };

    public static Option<bool> Json() => new("--json") { Description = "Write exactly one JSON object to stdout; everything else goes to stderr." };

    public static Option<bool> Force(string replaced = "--out where it exists") => new("--force") { Description = $"Replace {replaced}." };

    public static Option<string> RequiredPath(string name, string description) => new(name) { Description = description, Required = true };

    /// <summary>A run, or one weight file per modality.</summary>
    public static Option<string[]> Weights() => new("--weights")
    {
        Description = "A run, a checkpoint, or a weight file (.pth, .pth.tar, .safetensors); for av a run, or the option twice.",
    };

    public static Option<Dictionary<string, TimeSpan>> DelayStage() => new("--delay-stage")
    {
        Description = "Diagnostics: slow a stage down on purpose, STAGE=MILLISECONDS, to see the report name it.",
        CustomParser = Sizes.ParseDelays,
        DefaultValueFactory = _ => [],
        Arity = ArgumentArity.OneOrMore,
    };

    public static Option<string[]> Set() => new("--set")
    {
        Description = "Override a configuration key, key=value; repeatable.",
        DefaultValueFactory = _ => [],
        AllowMultipleArgumentsPerToken = true,
    };

    public static Option<string?> LibTorch() => new("--libtorch") { Description = "Folder of an existing libtorch, such as a PyTorch install's torch/lib (also XKD_LIBTORCH)." };

    /// <summary>Bound of the local copies of a cache that lies in an object store; <see cref="Objects"/> turns it into what opens the cache.</summary>
    public static Option<ByteSize?> CacheSize() => new("--cache-size")
    {
        Description = "Disk that local copies of an s3:// cache may take, such as 200GiB (also XKD_CACHE_SIZE; 100GiB), below XKD_CACHE_DIR.",
        CustomParser = result => Sizes.Parse(result),
    };

    public static ObjectStoreOptions? Objects(ByteSize? cacheSize) => cacheSize is { } size ? ObjectStoreOptions.FromEnvironment() with { CacheBytes = size.Bytes } : null;

    /// <summary>Conditions on a cache's clips; all must hold.</summary>
    public static Option<string[]> Where() => new("--where")
    {
        Description = "Only clips that meet this, COLUMN=VALUE[,VALUE]… or another of != < <= > >=, such as split=train or duration>=4; repeatable, all must hold.",
        DefaultValueFactory = _ => [],
    };

    public static Option<string?> Ids() => new("--ids") { Description = "Only the clips that this file names: one id a line, or a Parquet file with a column id." };

    /// <summary>What <see cref="Where"/> and <see cref="Ids"/> select.</summary>
    public static ClipFilter Filter(ParseResult parsed, Option<string[]> where, Option<string?> ids) => ClipFilter.Parse(parsed.GetValue(where)!, parsed.GetValue(ids));

    public static Option<string> Device() => new("--device")
    {
        Description = "cpu, cuda or cuda:K; auto takes the first GPU where there is one.",
        DefaultValueFactory = _ => "auto",
    };

    /// <summary>An option whose value must be one of <paramref name="choices"/>; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] choices)
    {
        Option<string> option = new(name) { Description = description, DefaultValueFactory = _ => choices[0] };
        option.AcceptOnlyFromAmong(choices);
        return option;
    }
}
