using Xkd.Model.Configuration;
using Xkd.Model.Native;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Runs a request, fold by fold.</summary>
/// <param name="request">What to evaluate.</param>
/// <param name="log">Receives lines for a person.</param>
public sealed class EvaluationRun(EvaluationRequest request, Action<string> log)
{
    /// <summary>The result of each fold, or the only one.</summary>
    /// <exception cref="UsageException">Weights, caches, folds and configuration do not go together.</exception>
    /// <exception cref="FailureException">A file is damaged, or training diverged.</exception>
    public Task<IReadOnlyList<EvaluationResult>> RunAsync(CancellationToken stop) => OwnThread.RunAsync<IReadOnlyList<EvaluationResult>>(() => Run(stop));

    private List<EvaluationResult> Run(CancellationToken stop)
    {
        IReadOnlyList<int> folds = EvaluationSets.Folds(request.Test);
        int?[] wanted = folds.Count == 0 && (request.AllFolds || request.Fold is not null)
            ? throw new UsageException($"{request.Test.Path} has no folds; leave --fold and --folds out, or ingest a dataset that has some")
            : folds.Count == 0 ? [null] : request.AllFolds ? [.. folds.Select(f => (int?)f)] : [request.Fold ?? folds[0]];
        if (wanted is [int only] && request.Fold is null && !request.AllFolds)
        {
            log($"fold {only} of {string.Join(", ", folds)}; --folds all takes the mean");
        }

        List<EvaluationResult> results = [];
        IReadOnlyList<EvaluationEncoder> encoders = Open();
        try
        {
            foreach (int? fold in wanted)
            {
                if (results.Count > 0 && request.Protocol == "finetune")
                {
                    // The last fold's training has changed the weights.
                    Close(encoders);
                    encoders = Open();
                }

                EvaluationResult result = One(encoders, fold, stop);
                results.Add(result);
                if (wanted.Length > 1)
                {
                    log($"fold {fold}: {result.Metric} {result.Value:f2} %");
                }
            }
        }
        finally
        {
            Close(encoders);
        }

        return results;
    }

    private EvaluationResult One(IReadOnlyList<EvaluationEncoder> encoders, int? fold, CancellationToken stop)
    {
        EvaluationResult identity = new()
        {
            Dataset = request.Config.Dataset,
            Protocol = request.Protocol,
            Fold = fold,
            Modality = request.Config.Modality.ToString().ToLowerInvariant(),
            Branch = request.Branch == WeightBranch.Teacher ? "teacher" : "student",
            Seed = (ulong)request.Config.Seed,
            WeightsSha256 = string.Join('+', encoders.Select(e => e.WeightsSha256).Distinct(StringComparer.Ordinal)),
            Notes = EvaluationNotes.Of(request.Config),
        };
        return request.Config is SvmConfig svm
            ? SvmEvaluation.Run(encoders, request.Train, request.Test, svm, identity, stop)
            : ClassifierEvaluation.Run(encoders, request.Train, request.Test, (ClassifierConfig)request.Config, identity, log, stop);
    }

    private List<EvaluationEncoder> Open()
    {
        List<EvaluationEncoder> encoders = [];
        try
        {
            foreach (WeightModality modality in request.Config.Modality switch
            {
                EvaluationModality.Video => [WeightModality.Video],
                EvaluationModality.Audio => [WeightModality.Audio],
                _ => new[] { WeightModality.Audio, WeightModality.Video },
            })
            {
                encoders.Add(EvaluationEncoder.Open(EvaluationWeights.For(request.Weights, modality), modality, request.Branch, request.Config.Encoder, request.Device, log));
            }
        }
        catch
        {
            Close(encoders);
            throw;
        }

        return encoders;
    }

    private static void Close(IEnumerable<EvaluationEncoder> encoders)
    {
        foreach (EvaluationEncoder encoder in encoders)
        {
            encoder.Dispose();
        }
    }
}
