using BenchmarkDotNet.Running;
using Xkd.Bench;

// Xkd.Bench read [ROUNDS] [PEERS-FOLDER] [PYTHON]: the feed's reading beside numpy and tar in one Python process.
// Xkd.Bench augment [ROUNDS] [PEERS-FOLDER] [PYTHON]: one clip's video views beside Pillow, one thread.
// Xkd.Bench endure CACHE [BATCHES] [PAUSE-SECONDS]: memory over many batches and while the consumer is paused.
// Xkd.Bench svm [ROUNDS] [PEERS-FOLDER]: the SVM beside scikit-learn.
// Xkd.Bench ingest [ROUNDS] [PEERS-FOLDER] [PYTHON]: ingest beside ffmpeg once per clip and libav in one process.
// Xkd.Bench step [ROUNDS] [PEERS-FOLDER] [PYTHON] [CONFIG] [DEVICE]: the training step beside eager PyTorch. Anything else goes to BenchmarkDotNet (--filter *LogMel*).
if (args is ["svm", ..])
{
    int rounds = args.Length > 1 ? int.Parse(args[1]) : 3;
    return await SvmBenchmark.RunAsync(rounds, 1e-4, args.Length > 2 ? args[2] : null, Console.Out, CancellationToken.None);
}

if (args is ["ingest", ..])
{
    int rounds = args.Length > 1 ? int.Parse(args[1]) : 5;
    return await IngestBenchmark.RunAsync(rounds, args.Length > 2 ? args[2] : null, args.Length > 3 ? args[3] : "python3", Console.Out);
}

if (args is ["read", ..])
{
    return await ReadBenchmark.RunAsync(args.Length > 1 ? int.Parse(args[1]) : 5, args.Length > 2 ? args[2] : null, args.Length > 3 ? args[3] : "python3", Console.Out);
}

if (args is ["augment", ..])
{
    return await AugmentationComparison.RunAsync(args.Length > 1 ? int.Parse(args[1]) : 5, args.Length > 2 ? args[2] : "tools/bench/peers", args.Length > 3 ? args[3] : "python3", Console.Out);
}

if (args is ["endure", var cache, ..])
{
    return await FeedEndurance.RunAsync(cache, args.Length > 2 ? int.Parse(args[2]) : 10_000, TimeSpan.FromSeconds(args.Length > 3 ? int.Parse(args[3]) : 0), Console.Out);
}

if (args is ["step", ..])
{
    int rounds = args.Length > 1 ? int.Parse(args[1]) : 5;
    return await StepBenchmark.RunAsync(
        rounds, args.Length > 2 ? args[2] : null, args.Length > 3 ? args[3] : "python3", args.Length > 4 ? args[4] : "configs/bench/scaled.yaml", args.Length > 5 ? args[5] : "cpu", Console.Out);
}

BenchmarkSwitcher.FromAssembly(typeof(SvmBenchmark).Assembly).Run(args);
return 0;
