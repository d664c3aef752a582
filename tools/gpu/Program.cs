using System.Reflection;
using Xkd.Bench;
using Xkd.Cli.Profiling;
using Xkd.Model.Method;

// What a machine without .NET needs in one program: `golden [DIR]` checks the reference numbers, `step …` is the benchmark beside eager PyTorch,
// `cache FOLDER CONFIG CLIPS` writes a cache of noise to train on, and everything else is the xkd command.
switch (args)
{
    case ["golden", .. string[] rest]:
        return Run("Xkd.Conformance", rest);
    case ["step", .. string[] rest]:
        return StepBenchmark.Run(rest, Console.Out);
    case ["step-side", .. string[] rest]:
        return StepBenchmark.Serve(rest, Console.In, Console.Out);
    case ["cache", string folder, string config, string clips]:
        await SyntheticCache.WriteAsync(folder, PretrainConfig.Load(config).Data, int.Parse(clips), CancellationToken.None);
        Console.WriteLine($"{clips} clips, {new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length) / 1e9:f2} GB");
        return 0;
    default:
        return Run("xkd", args);
}

static int Run(string program, string[] arguments) =>
    (int)Assembly.Load(program).EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
