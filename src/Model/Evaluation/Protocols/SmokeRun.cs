namespace Xkd.Model.Evaluation;

/// <summary>What <c>--smoke</c> changes of any configuration, so that every part runs within minutes: few classes, clips, windows and epochs at the encoder's own size.</summary>
public static class SmokeRun
{
    private static readonly string[] Views =
    [
        "batch=4", "frame_size=null", "max_classes=4", "max_train_clips=4", "max_test_clips=2", "train.windows=2", "test.windows=2",
    ];

    private static readonly string[] Training = ["train.windows=1", "optim.epochs=2", "optim.warmup_epochs=1", "optim.milestones=[1]", "evaluate_every=1"];

    /// <summary>Configuration keys and values, to be set before a person's own.</summary>
    /// <param name="protocol"><c>svm</c>, <c>linear</c> or <c>finetune</c>.</param>
    public static IEnumerable<string> Overrides(string protocol) => protocol == "svm" ? Views : [.. Views, .. Training];
}
