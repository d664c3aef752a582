using System.Reflection;
using Xkd.Bench;

// What a machine without .NET needs in one program: `golden [DIR]` checks the reference numbers, `step ROUNDS PEERS PYTHON CONFIG DEVICE`
// is the benchmark beside eager PyTorch, and everything else is the xkd command.
return args switch
{
    ["golden", .. string[] rest] => Run("Xkd.Conformance", rest),
    ["step", string rounds, string peers, string python, string config, string device] =>
        StepBenchmark.Run(int.Parse(rounds), peers.Length > 0 ? peers : null, python, config, device, Console.Out),
    _ => Run("xkd", args),
};

static int Run(string program, string[] arguments) =>
    (int)Assembly.Load(program).EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
