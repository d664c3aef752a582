using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// The update in one pass over host memory: parameter by parameter the norm of the gradient, which then is in the cache, and everything else in one
/// loop. A parameter is one thread's work, so that results do not depend on how many there are.
/// </summary>
internal sealed unsafe class HostUpdate : IParameterUpdate
{
    private const double Eps = 1e-6;

    private readonly FlatParameters parameters;
    private readonly AdamWState state;
    private readonly OptimSection options;
    private readonly Work[] work;
    private readonly int[] largestFirst;
    private readonly IReadOnlyList<FlatRange> clipped;
    private readonly double[] norms;
    private readonly int[] cut;
    private readonly int visits;

    public HostUpdate(FlatParameters parameters, AdamWState state, FlatTeachers? teachers, OptimSection options)
    {
        (this.parameters, this.state, this.options) = (parameters, state, options);
        clipped = parameters.Clipped(options);
        work = [.. parameters.Slots.Select(slot => new Work(slot, clipped.Count(range => range.Holds(slot.Offset)), [.. Followers(teachers, slot)]))];
        largestFirst = [.. Enumerable.Range(0, work.Length).OrderByDescending(i => work[i].Slot.PaddedLength)];
        norms = new double[work.Length];
        cut = new int[work.Length];
        visits = Math.Max(1, work.Sum(one => one.Visits));
    }

    public Tensor Apply(in StepSchedule schedule, IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        state.Advance(schedule.FreezeLastLayer);
        double steps = state.Steps.item<float>(), lastLayerSteps = Math.Max(1, state.LastLayerSteps.item<float>());
        var scalars = new AdamWScalars[4];
        foreach (var kind in Enum.GetValues<SlotKind>().Where(kind => kind != SlotKind.Untrained))
        {
            scalars[(int)kind] = new AdamWScalars(options, kind is SlotKind.LastLayerDecayed or SlotKind.LastLayerUndecayed ? lastLayerSteps : steps,
                schedule.LearningRate, kind is SlotKind.Decayed or SlotKind.LastLayerDecayed ? schedule.WeightDecay : 0);
        }

        var (freeze, video, audio) = (schedule.FreezeLastLayer, (float)(1 - schedule.VideoEma), (float)(1 - schedule.AudioEma));
        Buffers buffers = new(parameters, state);
        ForEachParameter(index => Update(index, buffers, scalars, freeze, video, audio));
        return Report(observer);
    }

    public Tensor Clip(IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        var gradients = Address(parameters.Gradients);
        ForEachParameter(index => UpdateKernels.Scale(gradients + work[index].Slot.Offset, work[index].Slot.PaddedLength, Measure(index, gradients)));
        var norm = Report(observer);
        observer?.Clipped();
        return norm;
    }

    public void Dispose()
    {
        // The buffers belong to others.
    }

    private static float* Address(Tensor buffer) => (float*)TensorMemory.Address(buffer);

    private static IEnumerable<Follower> Followers(FlatTeachers? teachers, FlatSlot slot) => (teachers?.Followings ?? [])
        .Where(following => following.Student.Holds(slot.Offset))
        .Select(following => new Follower((nint)(Address(following.Teacher) + (slot.Offset - following.Student.Offset)), following.Audio));

    private void ForEachParameter(Action<int> visit)
    {
        var threads = Math.Min(get_num_threads(), work.Length);
        if (threads == 1)
        {
            for (var i = 0; i < work.Length; i++)
            {
                visit(i);
            }

            return;
        }

        var taken = -1;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
        {
            for (int i; (i = Interlocked.Increment(ref taken)) < work.Length;)
            {
                visit(largestFirst[i]);
            }
        });
    }

    private void Update(int index, in Buffers buffers, AdamWScalars[] scalars, bool freezeLastLayer, float video, float audio)
    {
        var (slot, _, followers) = work[index];
        var (offset, length) = (slot.Offset, slot.PaddedLength);
        var coefficient = Measure(index, buffers.Gradients);
        var next = 0;
        if (slot.Kind != SlotKind.Untrained && !(freezeLastLayer && slot.Kind is SlotKind.LastLayerDecayed or SlotKind.LastLayerUndecayed))
        {
            var first = followers.Length > 0 ? followers[next++] : default;
            UpdateKernels.AdamW(buffers.Values + offset, buffers.Gradients + offset, buffers.Mean + offset, buffers.Variance + offset, length,
                scalars[(int)slot.Kind], coefficient, (float*)first.Teacher, first.Audio ? audio : video);
        }
        else
        {
            new Span<float>(buffers.Gradients + offset, (int)length).Clear();
        }

        for (; next < followers.Length; next++)
        {
            UpdateKernels.Follow((float*)followers[next].Teacher, buffers.Values + offset, length, followers[next].Audio ? audio : video);
        }
    }

    // Takes the norm down and gives what clipping scales the gradient by; where two students share a parameter, clipping visits it twice.
    private float Measure(int index, float* gradients)
    {
        var (slot, times, _) = work[index];
        var norm = norms[index] = Math.Sqrt(UpdateKernels.SquareSum(gradients + slot.Offset, slot.PaddedLength));
        var coefficient = 1.0;
        cut[index] = 0;
        for (var visit = 0; visit < times; visit++)
        {
            var factor = Coefficient(norm * coefficient);
            coefficient *= factor;
            cut[index] += factor < 1 ? 1 : 0;
        }

        return (float)coefficient;
    }

    private double Coefficient(double norm) => Math.Min(1, options.ClipGrad / (norm + Eps));

    private Tensor Report(IStepObserver? observer)
    {
        if (observer is not null)
        {
            var seen = (double[])norms.Clone();
            foreach (var range in clipped)
            {
                int[] visited = [.. Enumerable.Range(0, work.Length).Where(i => range.Holds(work[i].Slot.Offset))];
                using var values = tensor([.. visited.Select(i => (float)seen[i])]);
                observer.Visited([.. visited.Select(i => work[i].Slot)], values);
                Array.ForEach(visited, i => seen[i] *= Coefficient(seen[i]));
            }
        }

        return tensor([(float)Math.Sqrt(norms.Sum(norm => norm * norm)), (float)cut.Sum() / visits]); // [2]
    }

    /// <param name="Slot">A parameter.</param>
    /// <param name="Visits">How often clipping visits it.</param>
    /// <param name="Followers">The teachers' values that follow it, in order.</param>
    private sealed record Work(FlatSlot Slot, int Visits, Follower[] Followers);

    private readonly record struct Follower(nint Teacher, bool Audio);

    private readonly struct Buffers(FlatParameters parameters, AdamWState state)
    {
        public float* Values { get; } = Address(parameters.Values);

        public float* Gradients { get; } = Address(parameters.Gradients);

        public float* Mean { get; } = Address(state.Mean);

        public float* Variance { get; } = Address(state.Variance);
    }
}
