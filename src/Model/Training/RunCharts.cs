using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>The curves of one or more runs as charts of a page.</summary>
public static class RunCharts
{
    private static readonly (string Title, Func<StepMetrics, double> Of)[] Curves =
    [
        ("Loss", s => s.Loss), ("Video reconstruction", s => s.ReconVideo), ("Audio reconstruction", s => s.ReconAudio), ("Distillation, video to audio", s => s.KdV2A),
        ("Distillation, audio to video", s => s.KdA2V), ("Alignment of the students", s => s.AlignStudent), ("Learning rate", s => s.Lr), ("Gradient norm", s => s.GradNorm),
        ("Spread of the video student's logits over a batch (0: collapsed)", s => s.StdVideo), ("Spread of the audio student's logits over a batch", s => s.StdAudio),
        ("Entropy of the video teacher, nats", s => s.TeacherEntropyVideo), ("Entropy of the audio teacher, nats", s => s.TeacherEntropyAudio),
        ("Samples per second", s => s.SamplesPerSecond), ("Data wait, share of the step", s => s.DataWait),
    ];

    /// <summary>Adds one chart per curve, each with a line per run.</summary>
    public static void Add(HtmlReport page, IReadOnlyList<(string Name, IReadOnlyList<StepMetrics> Steps)> runs)
    {
        page.Heading("Curves").BeginGrid();
        foreach ((string title, Func<StepMetrics, double> of) in Curves)
        {
            SvgLineChart chart = new(title, "step");
            foreach ((string name, IReadOnlyList<StepMetrics> steps) in runs)
            {
                chart.Add(name, [.. steps.Select(s => (double)s.Step)], [.. steps.Select(of)]);
            }

            page.Chart(chart, title);
        }

        page.EndGrid();
    }
}
