using Xkd.Model.Configuration;
using Xkd.Pipeline;

namespace Xkd.Model.Evaluation;

/// <summary>Says of a result what was not done as by default.</summary>
internal static class EvaluationNotes
{
    /// <summary>One sentence per released behaviour and per shrinking; null where there is nothing to say.</summary>
    public static IReadOnlyList<string>? Of(EvaluationConfig config)
    {
        List<string> notes = [];
        Add(config.MaxClasses > 0, $"at most {config.MaxClasses} classes");
        Add(config.MaxTrainClips > 0, $"at most {config.MaxTrainClips} training clips a class");
        Add(config.MaxTestClips > 0, $"at most {config.MaxTestClips} test clips a class");
        Add(config.Test.Crops == TestCrops.ReleasedThree, "released: the three crops are one and the same");
        if (config is SvmConfig svm)
        {
            Add(svm.Selection == SvmSelection.Test && svm.C.Length > 1, "released: C was chosen on the test clips");
        }

        if (config is ClassifierConfig classifier)
        {
            Add(classifier.Mix is { CutmixTimeAndHeight: true, Cutmix: > 0 }, "released: CutMix cuts time and height");
            Add(classifier.Report == ReportedScore.Best, "the epoch was chosen on the test clips");
            Add(classifier.Report == ReportedScore.Released, "released: the best accuracy on the test clips, or the latest mean average precision, is reported");
        }

        return notes.Count > 0 ? notes : null;

        void Add(bool applies, string note)
        {
            if (applies)
            {
                notes.Add(note);
            }
        }
    }
}
