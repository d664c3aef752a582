using Xkd.Bench;

// Comparisons in which the sides take turns, each with its defaults:
//   Xkd.Bench ingest  [ROUNDS] [PEERS] [PYTHON] [MEDIA]           ingest beside ffmpeg once per clip and libav in one process, on plain clips, then on
//                                                                 each kind of file that people have; MEDIA is a folder of files to take too
//   Xkd.Bench catalog [ROWS] [FILES]                              the catalog of a made-up AudioSet
//   Xkd.Bench frames  MEDIA [ROUNDS]                              frames cached raw and as JPEG: size, loss and speed of reading
//   Xkd.Bench logmel  [ROUNDS] [PEERS] [PYTHON]                   the log-mel kernel beside TorchSharp and torchaudio
//   Xkd.Bench melbackends GOLDEN                                  the log-mel backends of this build beside each other and the reference
//   Xkd.Bench read    [ROUNDS] [PEERS] [PYTHON]                   the feed's reading beside numpy and tar in one Python process
//   Xkd.Bench objects CACHE [WINDOWS] [THREADS] [ROUNDS]          windows of an s3:// cache by ranges, one at a time and many, beside those from local copies
//   Xkd.Bench order   [CLIPS] [ROUNDS]                            the block order's shuffling and reading beside the uniform one's
//   Xkd.Bench augment [ROUNDS] [PEERS] [PYTHON]                   one clip's video views beside Pillow, one thread
//   Xkd.Bench endure  CACHE [BATCHES] [PAUSE-SECONDS]             memory over many batches and while the consumer is paused
//   Xkd.Bench same    CACHE CACHE                                 whether two caches hold the same clips, byte for byte
//   Xkd.Bench step    [ROUNDS] [PEERS] [PYTHON] [CONFIG] [DEVICE] [BATCH] [STYLES] [ORDER]
//                                                                 the training step beside eager PyTorch: released,tuned,compiled; on a CPU in
//                                                                 turns, on a GPU each alone
//   Xkd.Bench ranks   [ROUNDS] [PEERS] [VALUES] [CONFIG]          gradients over two ranks beside MPI called from C; a step on two ranks beside one
//   Xkd.Bench slope   [STEPS]                                     live tensors and memory over many steps of the trainer
//   Xkd.Bench svm     [ROUNDS] [PEERS]                            the SVM beside scikit-learn
//   Xkd.Bench scale   [SHARDS] [FOLDER]                          a cache of the size of AudioSet without its payload: commits, metadata, opening, filtering
//   Xkd.Bench scale-read CACHE                                   what opening and filtering one cost
//   Xkd.Bench commits [WRITERS] [COMMITS] [FOLDER]                writers that commit to one cache as fast as they can; and what following the others costs
//   Xkd.Bench simulate [NAME=VALUE…]                              ingest by many workers with failures; the names are the properties of IngestModel
//   Xkd.Bench features FILE ROWS [DIM] [CLASSES] [SEED]           writes a feature file of any size, for xkd eval svm and knn in bounded memory
// PEERS is tools/bench/peers; without it, or with "", this side runs alone.
string At(int i, string otherwise) => args.Length > i ? args[i] : otherwise;
int Number(int i, int otherwise) => args.Length > i ? int.Parse(args[i]) : otherwise;
string? Folder(int i) => At(i, "") is { Length: > 0 } folder ? folder : null;

switch (args.FirstOrDefault())
{
    case "ingest":
        return await IngestBenchmark.RunAsync(Number(1, 5), Folder(2), At(3, "python3"), Folder(4), Console.Out);
    case "catalog":
        return await CatalogBenchmark.RunAsync(Number(1, 2_000_000), Number(2, 200_000), Console.Out);
    case "frames" when args.Length > 1:
        return await FramesBenchmark.RunAsync(args[1], Number(2, 9), Console.Out);
    case "logmel":
        return await LogMelComparison.RunAsync(Number(1, 7), Folder(2), At(3, "python3"), Console.Out);
    case "melbackends" when args.Length > 1:
        return MelBackendComparison.Run(args[1], Console.Out);
    case "read":
        return await ReadBenchmark.RunAsync(Number(1, 5), Folder(2), At(3, "python3"), Console.Out);
    case "order":
        return await OrderBenchmark.RunAsync(Number(1, 128), Number(2, 5), Console.Out);
    case "objects" when args.Length > 1:
        return await ObjectReadBenchmark.RunAsync(args[1], Number(2, 200), Number(3, 4), Number(4, 5), Console.Out);
    case "augment":
        return await AugmentationComparison.RunAsync(Number(1, 5), At(2, "tools/bench/peers"), At(3, "python3"), Console.Out);
    case "endure" when args.Length > 1:
        return await FeedEndurance.RunAsync(args[1], Number(2, 10_000), TimeSpan.FromSeconds(Number(3, 0)), Console.Out);
    case "same" when args.Length > 2:
        return CacheComparison.Run(args[1], args[2], Console.Out);
    case "step":
        return StepBenchmark.Run(args[1..], Console.Out);
    case "step-side" when args.Length > 2:
        return StepBenchmark.Serve(args[1..], Console.In, Console.Out);
    case "ranks":
        return await RanksBenchmark.RunAsync(Number(1, 5), At(2, "tools/bench/peers"), Number(3, 206_347_000), At(4, "configs/bench/scaled.yaml"), Console.Out);
    case "rank" when args.Length > 2:
        return await RanksBenchmark.RankAsync(Number(1, 0), args[2], Console.Out);
    case "slope":
        return await SlopeBenchmark.RunAsync(Number(1, 3000), Console.Out);
    case "svm":
        return await SvmBenchmark.RunAsync(Number(1, 3), 1e-4, Folder(2), Console.Out, CancellationToken.None);
    case "scale":
        return await ScaleBenchmark.RunAsync(Number(1, 28_000), At(2, "/dev/shm"), Console.Out);
    case "scale-read" when args.Length > 1:
        return ScaleBenchmark.Read(args[1], Console.Out);
    case "commits":
        return await CommitContention.RunAsync(Number(1, 4), Number(2, 500), At(3, "/dev/shm"), Console.Out);
    case "simulate":
        return SimulateCommand.Run(args[1..], Console.Out);
    case "features" when args.Length > 2:
        return await FeatureFileMaker.RunAsync(args[1], Number(2, 0), Number(3, 768), Number(4, 10), Number(5, 1));
    default:
        await Console.Error.WriteLineAsync("Xkd.Bench ingest|catalog|frames|logmel|melbackends|read|objects|order|augment|endure|same|step|ranks|slope|svm|scale|scale-read|commits|simulate|features: see the head of tools/bench/Program.cs");
        return 2;
}
