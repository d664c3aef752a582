using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>The ranks of a run: what they exchange, and that they end together. All ranks make the same calls in the same order.</summary>
public sealed class RankGroup : IDisposable
{
    private const int UsageCode = 2, FailureCode = 1;

    private readonly ICommunicator _host;
    private readonly RankWatch? _watch;
    private NcclCommunicator? _device;
    private bool _failed;

    internal RankGroup(ICommunicator host, RankWatch? watch)
    {
        (_host, _watch) = (host, watch);

        // Counted here, not asked of the launcher: not every one tells, and the choice of a GPU depends on it.
        var seats = All(new Seat(Machine(), CoreList.OfThisProcess()));
        string[] machines = [.. seats.Select(seat => seat.Machine)];
        var own = CoreList.Parse(seats[Rank].Cores);
        OnTheseCores = seats.Count(seat => seat.Machine == machines[Rank] && own.Overlaps(CoreList.Parse(seat.Cores)));
        LocalRank = machines.Take(Rank).Count(machine => machine == machines[Rank]);
        Machines = machines.Distinct(StringComparer.Ordinal).Count();
    }

    public int Rank => _host.Rank;

    public int Size => _host.Size;

    /// <summary>Number among the ranks of this machine, from 0: which GPU it takes.</summary>
    public int LocalRank { get; }

    /// <summary>Ranks that may run on a core of this one, itself included: one where the launcher gave each cores of its own.</summary>
    public int OnTheseCores { get; }

    public int Machines { get; }

    /// <summary>What carries the exchange.</summary>
    public string Name => _device is null ? _host.Name : $"{_device.Name} over {_host.Name}";

    /// <summary>Rank 0, which writes the run's files.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>One process by itself.</summary>
    public static RankGroup Alone() => new(new SingleCommunicator(), watch: null);

    /// <summary>Joins the ranks that a launcher started, or stays alone where there is none.</summary>
    /// <exception cref="UsageException">MPI is missing, is not the launcher's, or the launcher does not offer it.</exception>
    /// <exception cref="FailureException">The ranks cannot reach each other.</exception>
    public static RankGroup Open(RankEnvironment environment)
    {
        if (environment.Size == 1)
        {
            return Alone();
        }

        if (environment.Launcher == RankLauncher.Slurm)
        {
            throw new UsageException($"srun started {environment.Size} tasks without MPI, which training exchanges gradients over: "
                + "write srun --mpi=pmix (Open MPI) or srun --mpi=pmi2 (MPICH)");
        }

        var mpi = MpiCommunicator.Open(environment);
        RankWatchOptions options = new();
        return new RankGroup(mpi, new RankWatch(mpi.Rank, mpi.Size, WatchMeeting.Meet(mpi, options), options, RankWatch.EndProcess));
    }

    /// <summary>From here on tensors on this device are exchanged, too; on a GPU by NCCL.</summary>
    /// <exception cref="UsageException">NCCL is missing.</exception>
    public void Use(Device device)
    {
        if (Size > 1 && device.type == TorchSharp.DeviceType.CUDA)
        {
            _device = NcclCommunicator.Open(_host, NcclLibrary.Load(), device.index);
        }
    }

    /// <summary>Adds up a tensor over all ranks, in place; see <see cref="ICommunicator.Sum"/>.</summary>
    public void Sum(Tensor values) => For(values).Sum(values);

    /// <summary>Overwrites a tensor with rank 0's.</summary>
    public void Broadcast(Tensor values) => For(values).Broadcast(values);

    /// <summary>Returns when all ranks have called it.</summary>
    public void Barrier() => _host.Barrier();

    /// <summary>Whether it holds on any rank.</summary>
    public bool Any(bool here) => Size == 1 ? here : _host.Gather(new[] { here ? (byte)1 : (byte)0 }).Any(there => there[0] != 0);

    /// <summary>Every rank's value, by rank. It travels as JSON.</summary>
    public IReadOnlyList<T> All<T>(T here) => Size == 1
        ? [here]
        : [.. _host.Gather(JsonSerializer.SerializeToUtf8Bytes(here, Json)).Select(there => JsonSerializer.Deserialize<T>(there, Json)!)];

    /// <summary>Every rank's bytes, by rank.</summary>
    public IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> here) => _host.Gather(here);

    /// <summary>What rank 0 makes of it; elsewhere it is not called.</summary>
    public T FromFirst<T>(Func<T> make) => All(IsFirst ? make() : default)[0]!;

    /// <summary>Does a run's work. What it throws ends all ranks, with the same exit code and naming this one.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        try
        {
            var result = await work().ConfigureAwait(false);
            _host.Barrier(); // rank 0 may still write: nobody leaves before the run is whole
            return result;
        }
        catch (Exception e)
        {
            _failed = true;
            if (e is ExchangeException)
            {
                _watch?.AwaitNews(); // most likely another rank is lost, and the watch can name it
            }

            _watch?.Fail(e is UsageException ? UsageCode : FailureCode, e is XkdException ? e.Message : e.ToString());
            throw;
        }
    }

    public void Dispose()
    {
        if (_failed)
        {
            return; // leaving MPI takes all ranks, and they are ending; the system takes back what is held
        }

        _device?.Dispose();
        _host.Dispose();
        _watch?.Dispose(); // last: a rank may be lost while it leaves MPI, too
    }

    // Containers of one machine have names of their own, and those of several may share one.
    private static string Machine()
    {
        const string Boot = "/proc/sys/kernel/random/boot_id";
        return File.Exists(Boot) ? File.ReadAllText(Boot).Trim() : Environment.MachineName;
    }

    private static JsonSerializerOptions Json { get; } = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private ICommunicator For(Tensor values) => values.device.type == TorchSharp.DeviceType.CUDA && _device is not null ? _device : _host;

    private sealed record Seat(string Machine, string Cores);
}

/// <summary>Cores as Linux lists them: <c>0-3,8</c>.</summary>
internal static class CoreList
{
    private const string Status = "/proc/self/status", Allowed = "Cpus_allowed_list:";

    /// <summary>The cores that the launcher, or whoever started this process, lets it run on.</summary>
    public static string OfThisProcess()
    {
        var line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Allowed, StringComparison.Ordinal)) : null;
        return line is null ? string.Create(CultureInfo.InvariantCulture, $"0-{Environment.ProcessorCount - 1}") : line[Allowed.Length..].Trim();
    }

    public static HashSet<int> Parse(string list) =>
    [
        .. list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('-')).SelectMany(ends =>
        {
            int first = int.Parse(ends[0], CultureInfo.InvariantCulture), last = int.Parse(ends[^1], CultureInfo.InvariantCulture);
            return Enumerable.Range(first, last - first + 1);
        }),
    ];
}
