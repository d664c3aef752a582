using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Xkd.Model.Ranks;

namespace Xkd.Model.Tests.Ranks;

public sealed class RankWatchTests
{
    private static readonly RankWatchOptions Options = new() { Beat = TimeSpan.FromMilliseconds(100), Silence = TimeSpan.FromSeconds(4) };

    [Fact]
    public void Fail_OnAnyRank_EndsAllOthersWithItsCauseAndCode()
    {
        using Watched watched = new(3, Options);
        watched[2].Fail(2, "the batch is odd");
        (int Rank, int Code)[] ended = [Next(), Next()];
        Assert.Equal([(0, 2), (1, 2)], ended.Order());

        (int Rank, int Code) Next() => watched.NextEnd("rank 2 of 3 (process ", "ended the run: the batch is odd");
    }

    [Fact]
    public void Fail_OnRankZero_EndsAllOthers()
    {
        using Watched watched = new(3, Options);
        watched[0].Fail(1, "the disk is full");
        int[] ended = [watched.NextEnd("rank 0 of 3", "the disk is full").Rank, watched.NextEnd("rank 0 of 3", "the disk is full").Rank];
        Assert.Equal([1, 2], ended.Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Watch_ConnectionCloses_EndsAllOthersNamingTheLostRank(int lost)
    {
        using Watched watched = new(3, Options, dead: lost);
        watched.Sever(lost);
        int[] ended = [watched.NextEnd($"rank {lost} of 3 (process ", "is lost: its process ended").Rank, watched.NextEnd($"rank {lost} of 3 (process ", "is lost: its process ended").Rank];
        Assert.Equal(new[] { 0, 1, 2 }.Except([lost]), ended.Order());
    }

    [Fact]
    public void Watch_ConnectionReset_SaysThatTheProcessEnded()
    {
        // A process that is killed before it has read what was sent to it.
        (var here, var there) = Connection();
        using var line = Greeted(here, there, Options);
        using BlockingCollection<string> ends = [];
        using RankWatch watch = new(0, 2, [line], Options with { Farewell = TimeSpan.Zero }, (_, cause) => ends.Add(cause));
        Assert.True(there.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead));
        there.Close();
        Assert.True(ends.TryTake(out var said, 20_000, TestContext.Current.CancellationToken));
        Assert.Contains("rank 1 of 2 (process 7 on far) is lost: its process ended; the run can be resumed", said);
    }

    [Fact]
    public void Watch_RankFallsSilent_EndsAfterTheSilence()
    {
        // Rank 1 is a socket that says hello and no more, as a stopped process or a dead machine is.
        (var here, var there) = Connection();
        using var mute = there;
        using var line = Greeted(here, mute, Options with { Silence = TimeSpan.FromMilliseconds(300) });
        using BlockingCollection<string> ends = [];
        using RankWatch watch = new(0, 2, [line], Options with { Farewell = TimeSpan.Zero }, (_, cause) => ends.Add(cause));
        Assert.True(ends.TryTake(out var said, 20_000, TestContext.Current.CancellationToken));
        Assert.Contains("rank 1 of 2 (process 7 on far) is lost: it gave no sign of life for 0.3 s", said);
    }

    [Fact]
    public void Dispose_AllRanksDone_EndsNobody()
    {
        Watched watched = new(3, Options);
        watched.Dispose();
        Assert.Empty(watched.Ends);
    }

    [Fact]
    public void Watch_QuietForLongerThanTheSilence_LivesByItsBeats()
    {
        using Watched watched = new(2, Options with { Beat = TimeSpan.FromMilliseconds(20), Silence = TimeSpan.FromMilliseconds(700) });
        Assert.False(watched.Ends.TryTake(out _, 2_000, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Greeted_SomebodyElse_IsRefused()
    {
        (var here, var there) = Connection();
        using var stranger = there;
        using WatchLine line = new(here, Options);
        stranger.Send("GET / HTTP/1.1\r\n"u8);
        Assert.False(line.Greeted("token"));
    }

    private static (Socket Here, Socket There) Connection()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Socket there = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        there.Connect(listener.LocalEndpoint);
        return (listener.AcceptSocket(), there);
    }

    // The line to a rank 1 that is no more than a socket.
    private static WatchLine Greeted(Socket here, Socket there, RankWatchOptions options)
    {
        WatchLine line = new(here, options);
        there.Send("""{"Kind":"Hello","Rank":1,"Text":"token","Process":"process 7 on far"}"""u8);
        there.Send("\n"u8);
        Assert.True(line.Greeted("token"));
        return line;
    }

    /// <summary>Ranks that found each other as they do over MPI, each with a watch that notes what would end its process.</summary>
    private sealed class Watched : IDisposable
    {
        private readonly IReadOnlyList<WatchLine>[] _lines;
        private readonly RankWatch?[] _watches;

        public Watched(int size, RankWatchOptions options, int dead = -1)
        {
            _lines = InProcessRanks.Communicate(size, communicator => WatchMeeting.Meet(communicator, options));
            _watches = [.. _lines.Select((lines, rank) => rank == dead ? null : new RankWatch(rank, size, lines, options, (code, cause) => Ends.Add((rank, code, cause))))];
        }

        public BlockingCollection<(int Rank, int Code, string Cause)> Ends { get; } = [];

        public RankWatch this[int rank] => _watches[rank]!;

        /// <summary>Closes a rank's connections without a word, as the system does with those of a process that is killed.</summary>
        public void Sever(int rank)
        {
            foreach (var line in _lines[rank])
            {
                line.Dispose();
            }
        }

        /// <summary>Waits for the next rank to end; its number and exit code.</summary>
        public (int Rank, int Code) NextEnd(params string[] said)
        {
            Assert.True(Ends.TryTake(out var end, 20_000, TestContext.Current.CancellationToken), "nobody ended");
            Assert.All(said, text => Assert.Contains(text, end.Cause));
            return (end.Rank, end.Code);
        }

        public void Dispose() => Parallel.ForEach(_watches, watch => watch?.Dispose());
    }
}
