using System.Threading.Channels;
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Cli.Predictions;

/// <summary>Files decoded for a classifier, some at a time: each portion is ingested into a cache of its own, which lives until it is disposed.</summary>
/// <param name="Cache">What could be decoded.</param>
/// <param name="Failed">What could not.</param>
/// <param name="Files">Files of the portion.</param>
internal sealed record DecodedClips(Cache Cache, IReadOnlyList<LedgerEntry> Failed, int Files) : IDisposable
{
    // One portion is scored while the next is decoded. The disk holds two: of clips of 10 s, 5 MB each, 3 GB. The first is small, so that the model has work soon;
    // of the others, starting the decoders is a small part.
    private const int FirstFiles = 32, FilesPerPortion = 256;

    /// <summary>Ingests as the classifier's own clips were, ahead by one portion.</summary>
    /// <param name="items">What to decode.</param>
    /// <param name="classifier">How.</param>
    /// <param name="workers">Files decoded at a time; 0: one per core.</param>
    /// <param name="folder">For the caches.</param>
    /// <param name="stop">Ends it.</param>
    public static ChannelReader<DecodedClips> Start(
        IReadOnlyList<SourceItem> items, ClassifierDescription classifier, int workers, string folder, CancellationToken stop)
    {
        var portions = Channel.CreateBounded<DecodedClips>(1);
        _ = Task.Run(
            async () =>
            {
                try
                {
                    foreach (var (number, portion) in items.Skip(FirstFiles).Chunk(FilesPerPortion).Prepend([.. items.Take(FirstFiles)]).Index())
                    {
                        var options = Options(classifier, portion, Path.Combine(folder, $"{number}")) with { Workers = workers };
                        var done = await IngestAsync(options, portion.Length, stop).ConfigureAwait(false);
                        await portions.Writer.WriteAsync(done, stop).ConfigureAwait(false);
                    }

                    portions.Writer.Complete();
                }
                catch (Exception e)
                {
                    portions.Writer.Complete(e);
                }
            },
            CancellationToken.None);
        return portions.Reader;
    }

    /// <summary>Waits, after its token was cancelled, until nothing writes to the folder any more, and disposes of what was not taken.</summary>
    public static async Task EndAsync(ChannelReader<DecodedClips> portions)
    {
        while (await NextAsync().ConfigureAwait(false) is { } left)
        {
            left.Dispose();
        }

        async Task<DecodedClips?> NextAsync()
        {
            try
            {
                return await portions.WaitToReadAsync().ConfigureAwait(false) && portions.TryRead(out var left) ? left : null;
            }
            catch (Exception)
            {
                return null; // what ended the decoding was thrown where the portions are read; where it was not, something else ended the command
            }
        }
    }

    public void Dispose() => Directory.Delete(Cache.Path, recursive: true);

    private static async Task<DecodedClips> IngestAsync(IngestOptions options, int files, CancellationToken stop)
    {
        var result = await new IngestJob(options, FfmpegTools.Locate(), TimeProvider.System).RunAsync(null, stop).ConfigureAwait(false);
        if (result.Stopped)
        {
            throw new OperationCanceledException(stop);
        }

        var cache = Cache.Open(options.Out);
        return new DecodedClips(cache, [.. cache.ReadLedger().Values.Where(l => l.State == ItemState.Failed).OrderBy(l => l.Id, StringComparer.Ordinal)], files);
    }

    private static IngestOptions Options(ClassifierDescription classifier, IReadOnlyList<SourceItem> items, string cache)
    {
        var modalities = classifier.Encoders.Aggregate(Modalities.Auto, (all, e) => (all, e.Modality) switch
        {
            (Modalities.Auto, "audio") => Modalities.Audio,
            (Modalities.Auto, _) => Modalities.Video,
            _ => Modalities.AudioVideo,
        });
        return new IngestOptions
        {
            Root = Path.GetPathRoot(Path.GetFullPath(cache))!,
            Items = items,
            Out = cache,
            Modalities = modalities,
            MaxClip = classifier.MaxClip,
        }.PreparedAs(classifier.Media);
    }
}
