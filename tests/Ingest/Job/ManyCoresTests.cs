using System.Buffers;

namespace Xkd.Ingest.Tests;

/// <summary>A run laid out for a large machine, with a decoder that takes no time of this one.</summary>
public sealed class ManyCoresTests : IDisposable
{
    private readonly JobFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(4)]
    [InlineData(64)]
    public async Task RunAsync_ManyCores_DecodesAsManySourcesAtATime(int cores)
    {
        const int Rounds = 4;
        Directory.CreateDirectory(_fixture.Root);
        for (var i = 0; i < cores * Rounds; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(_fixture.Root, $"{i:D4}.mp4"), [1], TestContext.Current.CancellationToken);
        }

        var decoder = new Meeting(cores);
        var result = await new IngestJob(_fixture.Options, _fixture.Media.Tools, TimeProvider.System, decoder, cores).RunAsync(progress: null, TestContext.Current.CancellationToken);

        Assert.Equal(cores * Rounds, result.Committed);
        Assert.Equal(Rounds, decoder.Meetings);
        Assert.Equal(cores, decoder.Most);
        Assert.Equal(cores, result.Report.Stages.Single(static stage => stage.Name == "decode").Parallelism);
    }

    /// <summary>Sources wait for one another until so many are being decoded.</summary>
    private sealed class Meeting(int size) : IMediaDecoder
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _present;

        public int Meetings { get; private set; }

        public int Most { get; private set; }

        public async Task<DecodeOutcome> DecodeAsync(SourceItem item, CancellationToken cancellationToken)
        {
            await MeetAsync(cancellationToken);
            var (frames, samples) = (new Spool(1 << 20, folder: null, ArrayPool<byte>.Shared), new Spool(1 << 20, folder: null, ArrayPool<byte>.Shared));
            frames.Write(new byte[8 * 16 * 16 * 3]);
            samples.Write(new byte[16000 * sizeof(float)]);
            return new DecodeOutcome(new DecodedMedia(frames, samples) { Width = 16, Height = 16 }, null);
        }

        private Task MeetAsync(CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                var all = _all;
                Most = Math.Max(Most, ++_present);
                if (_present == size)
                {
                    (_present, _all) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                    Meetings++;
                    all.SetResult();
                }

                return all.Task.WaitAsync(cancellationToken);
            }
        }
    }
}
