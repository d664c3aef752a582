using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Conformance;

/// <summary>One-vs-rest SVM against the exact optimum of each C, and the accuracies that follow from it.</summary>
internal sealed class LinearSvmTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["linear_svm"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        LibTorch.Load();
        int dim = (int)golden.Shape("in/x_train")[1], clips = (int)golden.Shape("in/x_test_clips")[1];
        var classes = golden.Config.GetProperty("classes").GetInt32();
        check.SameSequence("train, test, dim, clips", [golden.Shape("in/x_train")[0], golden.Shape("in/x_test_clips")[0], dim, clips],
            new[] { "train", "test", "dim", "clips" }.Select(name => golden.Config.GetProperty(name).GetInt64()));
        golden.Config.Describes("library", "max_iter"); // what the default solution came from; the exact one is the optimum itself
        float[] train = golden.Floats("in/x_train"), test = golden.Floats("in/x_test_clips");
        int[] labels = Array.ConvertAll(golden.Int64s("in/y_train"), l => (int)l), testLabels = Array.ConvertAll(golden.Int64s("in/y_test"), l => (int)l);
        foreach (var c in golden.Config.GetProperty("C").EnumerateArray())
        {
            var name = "C" + c.GetRawText();
            var model = LinearSvm.Fit(train, dim, labels, classes, new LinearSvmOptions { C = c.GetDouble(), Tolerance = 1e-9, MaxIterations = 100_000 });
            check.Equal($"{name} converged", model.Converged, true);
            foreach (var kind in new[] { "exact", "default" })
            {
                check.Close($"out/{name}/coef_{kind}", model.Coefficients, [classes, dim]);
                check.Close($"out/{name}/intercept_{kind}", model.Intercepts, [classes]);
            }

            var decisions = model.Decide(test);
            check.Close($"out/{name}/decision_exact", decisions, [testLabels.Length * clips, classes]);

            // The defaults must already be the optimum, not just the tight tolerance above.
            check.Close($"out/{name}/coef_exact", LinearSvm.Fit(train, dim, labels, classes, new LinearSvmOptions { C = c.GetDouble() }).Coefficients);

            int[] windowLabels = [.. testLabels.SelectMany(l => Enumerable.Repeat(l, clips))];
            var dense = Average(decisions, clips, classes);
            var results = golden.Json.GetProperty("results").GetProperty(name);
            Accuracy("single_clip_accuracy_exact", TopK.Accuracy(decisions, classes, windowLabels, 1));
            Accuracy("train_accuracy_exact", TopK.Accuracy(model.Decide(train), classes, labels, 1));
            Accuracy("dense_top1_exact", TopK.Accuracy(dense, classes, testLabels, 1));
            Accuracy("dense_top5_exact", TopK.Accuracy(dense, classes, testLabels, 5));
            double[] objectives = [.. Enumerable.Range(0, classes).Select(k => Objective(model, k, train, labels, c.GetDouble()))];
            double[] expected = [.. results.GetProperty("primal_objective_exact").EnumerateArray().Select(e => e.GetDouble())];
            check.Values($"{name} primal objective", objectives, expected, new Tolerance(1e-8, 1e-12, 0, 0));

            void Accuracy(string what, double value) =>
                check.Values($"{name} {what}", [value], [results.GetProperty(what).GetDouble()], check.OtherTolerance("accuracy"));
        }
    }

    // The mean over each clip's windows.
    private static double[] Average(double[] decisions, int clips, int classes) =>
        [.. decisions.Chunk(clips * classes).SelectMany(clip => Enumerable.Range(0, classes).Select(c => clip.Where((_, i) => i % classes == c).Average()))];

    private static double Objective(LinearSvmModel model, int k, float[] train, int[] labels, double c)
    {
        double norm = model.Intercepts[k] * model.Intercepts[k], hinge = 0;
        for (var d = 0; d < model.Dim; d++)
        {
            norm += model.Coefficients[(k * model.Dim) + d] * model.Coefficients[(k * model.Dim) + d];
        }

        var decisions = model.Decide(train);
        for (var row = 0; row < labels.Length; row++)
        {
            var margin = 1 - ((labels[row] == k ? 1 : -1) * decisions[(row * model.Classes) + k]);
            hinge += margin > 0 ? margin * margin : 0;
        }

        return (norm / 2) + (c * hinge);
    }
}
