using BenchmarkDotNet.Running;
using Xkd.Bench;

// Xkd.Bench svm [ROUNDS] [PEERS-FOLDER]: the SVM beside scikit-learn. Anything else goes to BenchmarkDotNet (--filter *LogMel*).
if (args is ["svm", ..])
{
    int rounds = args.Length > 1 ? int.Parse(args[1]) : 3;
    return await SvmBenchmark.RunAsync(rounds, 1e-4, args.Length > 2 ? args[2] : null, Console.Out, CancellationToken.None);
}

BenchmarkSwitcher.FromAssembly(typeof(SvmBenchmark).Assembly).Run(args);
return 0;
