using System.Globalization;
using Xkd.Model.Method;

namespace Xkd.Model.Training;

/// <summary>
/// Reads a run's metrics as its author would: does it reconstruct, does either modality learn from the other, has a teacher collapsed, does the data keep up.
/// It looks at the last steps, so that it costs the same whether a run has a hundred steps or a million.
/// </summary>
/// <remarks>
/// Everything is compared with a guess. A patch's pixels are normalised, so that its mean costs a reconstruction 1; a distillation that says nothing costs the
/// logarithm of the number of logits. A collapse is told by the logits: those of a clip have unit variance, and where less than a hundredth of it
/// lies between clips, all clips get one answer.
/// </remarks>
public sealed class RunHealth(PretrainConfig config)
{
    /// <summary>The state of a run that nothing can be said of yet.</summary>
    internal const string Early = "early";

    private const int Window = 100, FirstSteps = 50;

    // Of a run's epochs: before that, a distillation may still be flat, and teachers may have moved little. On the digits nothing is known across modalities for the first
    // 30 %, and half of it in the end.
    private const double EarlyShare = 0.5;

    // What is reconstructed must cost less than this share of a guess; more than that share, of it and of what fresh networks cost, is a divergence.
    private const double Reconstructs = 0.97, Diverges = 1.05;

    private const int FreshSteps = 5;

    // Standard deviation of the logits over the clips: a hundredth of their unit variance.
    private const double SameForAll = 0.1;

    // What a student should know of a teacher at the end of the run, from a guess (0) to the teacher's own words (1), and before that in proportion. A network also
    // remembers pairs that have nothing in common: with sounds of other clips it came to 0.17, with their own to 0.57 and more (docs/experiment.md, the demo's clips).
    private const double KnowsEnough = 0.35;

    // Of what a guess costs: more is no chance.
    private const double WorseThanGuess = 1.005;

    private const double OftenClipped = 0.5, Waits = 0.1;

    private static readonly string[] Modalities = ["video", "audio"];

    private readonly Queue<StepMetrics> _recent = new();
    private int _firstEpoch = -1;
    private long _seen, _afterWarmup;
    private double _followedVideo, _followedAudio;
    private (double Video, double Audio) _fresh = (1, 1);
    private (double Cost, string Modality) _worst;

    /// <summary>What all steps of a run say.</summary>
    public static RunVerdict Of(PretrainConfig config, IReadOnlyList<StepMetrics> steps)
    {
        RunHealth health = new(config);
        foreach (var step in steps)
        {
            health.Add(step);
        }

        return health.Judge();
    }

    /// <summary>Takes the next step's metrics.</summary>
    public void Add(StepMetrics step)
    {
        _firstEpoch = _firstEpoch < 0 ? step.Epoch : _firstEpoch;
        _seen++;
        _afterWarmup += step.Epoch >= config.Optim.WarmupEpochs ? 1 : 0;
        (_followedVideo, _followedAudio) = (_followedVideo + 1 - step.EmaVideo, _followedAudio + 1 - step.EmaAudio);
        _recent.Enqueue(step);
        if (_recent.Count > Window)
        {
            _recent.Dequeue();
        }

        if (_seen == FreshSteps)
        {
            _fresh = (Math.Max(1, Mean("recon_video") ?? 1), Math.Max(1, Mean("recon_audio") ?? 1));
        }

        if (_seen % FirstSteps == 0 && config.Objective.NormPix)
        {
            _worst = new[] { _worst, ((Mean("recon_video") ?? 0) / _fresh.Video, "video"), ((Mean("recon_audio") ?? 0) / _fresh.Audio, "audio") }.Max();
        }
    }

    /// <summary>What the steps so far say.</summary>
    /// <param name="bottleneck">Where the feed's time went, in words; null tells it by the share of the steps' time that they wait.</param>
    public RunVerdict Judge(string? bottleneck = null)
    {
        List<HealthFinding> findings = [];
        var collapsed = new CollapsedModalities(false, false);
        if (_seen >= FirstSteps)
        {
            Reconstruction(findings); // first of all: what it breaks collapses, too
            collapsed = new CollapsedModalities(Collapsed("video", findings), Collapsed("audio", findings));
            Teachers(findings); // before what a teacher that stands still cannot teach
            Distillation(findings, collapsed.Video || collapsed.Audio || findings.Any(finding => finding.Name == "ema"));
            Clipping(findings);
        }

        var waited = _recent.Count == 0 ? 0 : _recent.Average(step => step.DataWait);
        if (waited > Waits && _seen >= FirstSteps)
        {
            findings.Add(new(
                "data", $"The training step waits {Percent(waited)} of its time for clips.", "Raise data.workers, or see which stage is slow: xkd train --profile."));
        }

        var judged = _afterWarmup >= FirstSteps;
        return new RunVerdict
        {
            Learned = judged && findings.All(finding => finding.Name is "data" or "clipping"),
            Collapsed = collapsed,
            Bottleneck = bottleneck ?? (waited > Waits
                ? $"the feed: the training step waits {Percent(waited)} of its time for clips"
                : $"the training step: it waits {Percent(waited)} of its time for clips"),
            Summary = findings.Count > 0 ? findings[0].Sentence
                : judged ? Learns()
                : $"Too early to tell: it is judged from {FirstSteps} steps after the warm-up, and {_seen} were looked at.",
            Findings = findings,
            State = string.Join(' ', findings.Select(finding => finding.Name).Append(!judged ? Early : Late ? "late" : "judged")),
        };
    }

    private double Guess => Math.Log(config.Model.Projector.Out);

    private bool Late => _recent.Count > 0 && _afterWarmup >= FirstSteps && _recent.Last().Epoch >= EarlyShare * config.Optim.Epochs;

    // Students and teachers follow each other: where one is constant, there is nothing left for the other.
    private bool Collapsed(string modality, List<HealthFinding> findings)
    {
        var student = Mean($"std_{modality}");
        var teacher = Mean($"std_teacher_{modality}") ?? student;
        if (student is null || Math.Min(student.Value, teacher!.Value) >= SameForAll)
        {
            return false;
        }

        var (who, spread) = teacher < SameForAll ? ("teacher", teacher.Value) : ("student", student.Value);
        var one = Mean($"teacher_entropy_{modality}") is { } entropy && entropy < 0.1 * Guess;
        findings.Add(new(
            $"collapsed-{modality}",
            $"The {modality} {who} has collapsed: it gives {(one ? "one answer" : "no answer")} for every clip "
                + $"(the logits deviate by {Number(spread)} from clip to clip, of 1).",
            one ? $"Raise objective.teacher_temp_{modality} or lower objective.center_momentum, so that no single answer wins."
                : $"Raise objective.student_temp_{modality} and lower objective.cmkd, or take a smaller model.projector: "
                    + "configs/pretrain/tiny.yaml is made for few clips."));
        return true;
    }

    private void Reconstruction(List<HealthFinding> findings)
    {
        if (_worst.Cost > Diverges)
        {
            findings.Add(new(
                "diverged",
                $"The training diverged: over {FirstSteps} steps and more the {_worst.Modality} reconstruction cost {Number(_worst.Cost)} times what it did at first.",
                $"Lower optim.lr ({Number(config.Optim.Lr)})."));
            return;
        }

        foreach (var modality in Modalities)
        {
            if (config.Objective.NormPix && _afterWarmup >= FirstSteps && Mean($"recon_{modality}") is { } cost && cost > Reconstructs)
            {
                findings.Add(new(
                    "reconstruction", $"The {modality} reconstruction has learned nothing: it costs {Number(cost)}, and each patch's mean costs 1.",
                    $"Change optim.lr ({Number(config.Optim.Lr)}), or raise objective.recon, if it is only a small part of the loss."));
            }
        }
    }

    private void Distillation(List<HealthFinding> findings, bool explained)
    {
        if (!Late)
        {
            return;
        }

        foreach (var (term, student, teacher) in new[] { ("kd_v2a", "audio", "video"), ("kd_a2v", "video", "audio") })
        {
            if (Mean(term) is not { } cost)
            {
                continue;
            }

            if (cost > WorseThanGuess * Guess)
            {
                findings.Add(new(
                    "temperature", $"What the {student} student says of the {teacher} teacher is worse than a guess: it costs {Number(cost)}, and a guess {Number(Guess)}.",
                    $"The temperatures are too low for what it can know: raise objective.student_temp_{student} ({Number(Student(student))}) "
                        + $"and objective.teacher_temp_{teacher}."));
            }
            else if (!explained && Known(term) is { } known && known < KnowsEnough * (_recent.Last().Epoch + 1) / config.Optim.Epochs)
            {
                findings.Add(new(
                    "pairs", $"The {student} student knows {Percent(Math.Max(0, known))} of what the {teacher} teacher says, too little for this part of the run.",
                    "Look whether picture and sound of a clip belong together: xkd inspect CACHE --clip ID --out DIR. "
                        + "If they do, train longer or raise objective.cmkd."));
            }
        }
    }

    private void Teachers(List<HealthFinding> findings)
    {
        if (!config.Objective.CrossModal || !Late || _recent.Last().Epoch - _firstEpoch < EarlyShare * config.Optim.Epochs)
        {
            return;
        }

        foreach (var (modality, followed, kept) in new[] { ("video", _followedVideo, config.Optim.EmaVideo), ("audio", _followedAudio, config.Optim.EmaAudio) })
        {
            if (followed < 0.5)
            {
                findings.Add(new(
                    "ema", $"The {modality} teacher hardly moves: in {_seen} steps it went {Percent(1 - Math.Exp(-followed))} of the way to its student.",
                    $"Lower optim.ema_{modality} ({Number(kept)})."));
            }
            else if (followed > 0.3 * _seen)
            {
                findings.Add(new(
                    "ema", $"The {modality} teacher is its student of the last few steps: it keeps {Percent(kept)} of itself a step.",
                    $"Raise optim.ema_{modality} ({Number(kept)})."));
            }
        }
    }

    private void Clipping(List<HealthFinding> findings)
    {
        if (_afterWarmup >= FirstSteps && Mean(StepScalars.ClippedShare) is { } share && share > OftenClipped)
        {
            findings.Add(new(
                "clipping", $"Gradients of {Percent(share)} of the parameters are clipped at every step.",
                $"Raise optim.clip_grad ({Number(config.Optim.ClipGrad)}), or lower the weights of the objective."));
        }
    }

    private string Learns()
    {
        List<string> parts = [];
        if (Mean("recon_video") is not null || Mean("recon_audio") is not null)
        {
            var costs = Modalities.Select(modality => (modality, cost: Mean($"recon_{modality}"))).Where(part => part.cost is not null);
            var guess = config.Objective.NormPix ? " where each patch's mean costs 1" : string.Empty;
            parts.Add($"reconstruction costs {string.Join(" and ", costs.Select(part => $"{Number(part.cost!.Value)} ({part.modality})"))}{guess}");
        }

        if (Known("kd_v2a") is { } audio && Known("kd_a2v") is { } video)
        {
            parts.Add(Late
                ? $"the video student knows {Percent(video)} of what the audio teacher says, the audio student {Percent(audio)} of the video teacher"
                : "it is too early to judge the distillation");
        }

        return $"It learns: {string.Join("; ", parts)}.";
    }

    private double Student(string modality) => modality == "video" ? config.Objective.StudentTempVideo : config.Objective.StudentTempAudio;

    private List<double> Recent(string scalar) => [.. _recent.Select(step => step.Scalars.GetValueOrDefault(scalar, double.NaN)).Where(double.IsFinite)];

    private double? Mean(string scalar) => Recent(scalar) is { Count: > 0 } values ? values.Average() : null;

    // Of what the teacher says, from a guess (0) to its own words (1).
    private double? Known(string term) =>
        Mean(term) is { } cost && Mean($"floor_{term}") is { } floor && floor < Guess ? (Guess - cost) / (Guess - floor) : null;

    private static string Number(double value) => value.ToString(Math.Abs(value) is >= 1e-3 and < 1e4 or 0 ? "0.####" : "0.#e0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("0.#", CultureInfo.InvariantCulture) + " %";
}
