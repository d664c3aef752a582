namespace Xkd.Bench;

/// <summary>
/// Ingest by many workers as events: decoding at a rate that shared cores and the store's bandwidth bound; commits that follow the versions of others and put
/// the next one if it is absent; merges of segments by the worker whose commit completes a group; workers that die and begin again from their last commit.
/// </summary>
/// <param name="model">The workers and the store.</param>
internal sealed class IngestSimulation(IngestModel model)
{
    private const int Together = 32, MostLevels = 2; // as in Segments
    private const double Slice = 0.25; // with shared cores a rate holds so long

    private readonly PriorityQueue<(Worker Worker, int Life, Action<Worker> Next), double> _events = new();
    private readonly Random _random = new(model.Seed);
    private readonly int[] _segments = new int[MostLevels + 1];
    private readonly long[] _rows = new long[MostLevels + 1];
    private double _now, _storeFree, _bytes, _committing, _conflicting, _merging, _failing;
    private long _version, _done, _commits, _conflicts, _failures;
    private int _active;

    public IngestOutcome Run()
    {
        Worker[] workers = [.. Parts().Select(clips => new Worker { Left = clips })];
        foreach (var worker in workers)
        {
            Begin(worker, 0);
        }

        for (var events = 0L; events < model.MostEvents && _events.TryDequeue(out var next, out var time); events++)
        {
            _now = time;
            if (next.Life == next.Worker.Life)
            {
                next.Next(next.Worker);
            }
        }

        var ends = workers.Select(worker => worker.Left == 0 ? worker.End : _now).ToArray();
        var all = Math.Max(ends.Sum(), 1e-9);
        return new IngestOutcome(
            ends.Max(), model.FinalPerItem * _done, ends.Sum() * model.Cores, _done, _commits, _conflicts, _failures,
            _committing / all, _conflicting / all, _merging / all, _failing / all, _bytes, _segments.Sum());
    }

    private double ClipsOfShard => Math.Max(1, Math.Min(model.ShardRows, Math.Ceiling(model.ShardBytes / model.CacheBytes)));

    // A clip's part is drawn by the hash of its id.
    private IEnumerable<long> Parts()
    {
        if (model.Parts is { } given)
        {
            return given;
        }

        List<long> parts = [];
        for (var (left, others) = (model.Clips, model.Workers); others > 0; left -= parts[^1], others--)
        {
            double mean = (double)left / others, deviation = Math.Sqrt(mean * (1 - (1.0 / others)));
            parts.Add(Math.Clamp((long)Math.Round(mean + (deviation * Normal())), 0, left));
        }

        return parts;
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

    private void After(Worker worker, double seconds, Action<Worker> next) => _events.Enqueue((worker, worker.Life, next), _now + seconds);

    // Every worker lists all items and reads all ledger lines.
    private void Begin(Worker worker, double wait)
    {
        var opening = model.StartSeconds + (model.ListPerItem * model.Clips) + (model.LedgerPerItem * _done);
        worker.Busy = false;
        After(worker, wait + opening, Open);
        if (wait > 0)
        {
            _failing += wait + opening;
        }

        if (model.FailureEvery > 0)
        {
            After(worker, wait - (model.FailureEvery * Math.Log(1 - _random.NextDouble())), Die);
        }
    }

    private void Open(Worker worker)
    {
        (worker.Head, worker.Committed, worker.Rested, worker.Waiting, worker.Credit) = (_version, _now, _now, 0, 0);
        if (worker.Left == 0)
        {
            Finish(worker);
            return;
        }

        worker.Busy = true;
        _active++;
        After(worker, 1e-9, Decode); // when all that begin at this moment are counted
    }

    private void Die(Worker worker)
    {
        worker.Life++;
        _failures++;
        _active -= worker.Busy ? 1 : 0;
        _failing += worker.Busy ? _now - worker.Committed : 0;
        Begin(worker, Math.Max(model.RestartSeconds, 1e-9));
    }

    private void Finish(Worker worker)
    {
        worker.Life++; // it does not die any more
        worker.End = _now;
        _active -= worker.Busy ? 1 : 0;
    }

    private double Rate()
    {
        var own = model.Cores / model.ClipSeconds;
        var shared = model.SharedCores > 0 ? model.SharedCores / (_active * model.ClipCpu) : double.PositiveInfinity;
        return Math.Min(Math.Min(own, shared), model.Bandwidth / (_active * (model.SourceBytes + model.CacheBytes)));
    }

    private void Decode(Worker worker)
    {
        var rate = Rate();
        var clock = worker.Committed + model.CommitInterval - _now;
        var batch = Math.Min(Math.Max(ClipsOfShard, worker.Waiting + worker.Credit + (rate * Math.Min(clock, worker.Rested - _now))), worker.Left);
        var wanted = batch - worker.Waiting;
        var ahead = Math.Min(worker.Credit, wanted); // decoded while the last commit was made
        worker.Credit = 0;
        var seconds = Math.Max(0, Math.Min((wanted - ahead) / rate, clock));
        seconds = model.SharedCores > 0 ? Math.Min(seconds, Slice) : seconds;
        After(worker, seconds, one =>
        {
            one.Waiting = Math.Min(one.Waiting + ahead + (seconds * rate), batch);
            if (one.Waiting > batch - 1e-6 || _now - one.Committed >= model.CommitInterval - 1e-9)
            {
                one.Waiting = Math.Round(one.Waiting);
                (one.Began, one.Collided) = (_now, double.NaN);
                Join(one, model.CommitSeconds);
            }
            else
            {
                Decode(one);
            }
        });
    }

    // Finds the newest version in doubling steps, then reads what was added side by side, until there is no newer one; then puts its own.
    private void Join(Worker worker, double window)
    {
        var versions = _version - worker.Head;
        worker.Head = _version;
        if (versions > 0)
        {
            var seconds = (versions * model.FollowSeconds) + (model.FollowPerByte * Size());
            After(worker, Store(2 * versions, seconds, trips: 2 + Math.Log2(1 + versions)), one => Join(one, window));
        }
        else
        {
            After(worker, Store(3, window), Put);
        }
    }

    // Requests wait for the store, and a worker for its answers as often as one depends on another.
    private double Store(long requests, double seconds, double? trips = null)
    {
        _storeFree = Math.Max(_storeFree, _now) + (requests / model.Requests);
        var chance = 1 + (model.Jitter * ((2 * _random.NextDouble()) - 1));
        return Math.Max(_storeFree - _now, chance * ((seconds * Slowness()) + ((trips ?? requests) * model.Latency)));
    }

    // Commits are work, too.
    private double Slowness() => model.SharedCores > 0 ? Math.Max(1, _active / model.SharedCores) : 1;

    private void Put(Worker worker)
    {
        if (_version != worker.Head)
        {
            _conflicts++;
            worker.Collided = double.IsNaN(worker.Collided) ? _now : worker.Collided;
            Join(worker, model.PutSeconds);
            return;
        }

        var clips = (long)worker.Waiting;
        Append(0, clips);
        worker.Head = _version;
        _commits++;
        _done += clips;
        worker.Left -= clips;
        _conflicting += double.IsNaN(worker.Collided) ? 0 : _now - worker.Collided;
        worker.Rested = double.IsNaN(worker.Collided) ? _now : _now + (model.RestAfter * (_now - worker.Began));
        if (_segments[0] % Together == 0)
        {
            Merge(worker, 0);
        }
        else
        {
            Committed(worker);
        }
    }

    private void Append(int level, long rows)
    {
        _segments[level]++;
        _rows[level] += rows;
        _version++;
        _bytes += Size();
    }

    private double Size() => model.ManifestBytes + (model.SegmentBytes * _segments.Sum()) + (model.PartBytes * (model.Parts?.Count ?? model.Workers));

    // Others commit meanwhile: what was merged then takes its place in their version.
    private void Merge(Worker worker, int level)
    {
        var rows = _rows[level] * Together / _segments[level];
        var seconds = Store(2 * Together, rows * model.MergePerRow, trips: 4);
        _merging += seconds;
        After(worker, seconds, one =>
        {
            _conflicts += _version == one.Head ? 0 : 1;
            if (_segments[level] >= Together) // else another worker has merged them
            {
                _segments[level] -= Together;
                _rows[level] -= rows;
                Append(level + 1, rows);
                one.Head = _version;
            }

            var due = Enumerable.Range(0, MostLevels).Reverse().FirstOrDefault(other => _segments[other] >= Together, -1);
            if (due < 0)
            {
                Committed(one);
            }
            else
            {
                Merge(one, due);
            }
        });
    }

    private void Committed(Worker worker)
    {
        var took = _now - worker.Began;
        worker.Committed = _now;
        worker.Waiting = 0;

        // The queues take what is decoded meanwhile: what is in hand, and as much again.
        worker.Credit = Math.Min(2 * model.Cores, took * Rate());
        _committing += took - (worker.Credit / Rate());
        if (worker.Left == 0)
        {
            Finish(worker);
        }
        else
        {
            Decode(worker);
        }
    }

    private sealed class Worker
    {
        public int Life;
        public long Left, Head;
        public double Waiting, Credit, Committed, Rested, Began, Collided, End;
        public bool Busy;
    }
}
