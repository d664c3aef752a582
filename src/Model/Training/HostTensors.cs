using System.Runtime.InteropServices;
using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Batches of the feed as the model's input on a device. To a GPU they are copied while it works on the step before: into one of two places in turn, and a
/// batch goes back to the feed when its copy is over. On the CPU they are copied, too: libtorch's kernels sum in another order where memory is not aligned
/// as its own is, and a resumed run would differ in the last bit. One thread uses it.
/// </summary>
internal sealed class HostTensors : IDisposable
{
    private const int Places = 2;

    private readonly Device _device;
    private readonly CopyStream? _copies;
    private readonly Place[] _places;
    private readonly Queue<(HostBatch Batch, Place Place)> _copying = [];
    private readonly LevelScale _scale;
    private long _taken;

    public HostTensors(Device device)
        : this(device, device.type == DeviceType.CUDA ? CopyStream.Open(device.index) : null)
    {
    }

    internal HostTensors(Device device, CopyStream? copies)
    {
        (_device, _copies) = (device, copies);
        _places = copies is null ? [] : [.. Enumerable.Range(0, Places).Select(_ => new Place(copies.Event(), copies.Event()))];
        _scale = new LevelScale(FrameStatistics.Mean, FrameStatistics.Std, device);
    }

    /// <summary>What a person should know of the copies; null where all is well.</summary>
    public string? Complaint => _copies is { Refused: > 0 } copies
        ? $"the driver refused to lock {copies.Refused / 1e6:f0} MB of host memory (CUDA error {copies.RefusedBy}), "
            + $"so that copies to {_device} take several times as long: raise the limit of locked memory (ulimit -l)"
        : null;

    /// <summary>The rows of a view on a device, by an ordinary copy.</summary>
    public static Tensor Rows(HostView<float> view, long rows, Device device)
    {
        using var scope = NewDisposeScope();
        return Copy(view.Data, ScalarType.Float32, [rows, .. view.Shape[1..]]).to(device).MoveToOuterDisposeScope();
    }

    /// <summary>A batch as the model's input, frames normalised: valid until the batch after the next is taken. Return the batch when the step is begun.</summary>
    public XkdInput Take(HostBatch batch)
    {
        var arrays = Arrays(batch);
        var copied = _copies is null ? [.. arrays.Select(a => Copy(a.Data, a.Type, a.Shape))] : Begin(_copies, batch, arrays);
        return new XkdInput([.. copied.Take(batch.Levels.Count).Select(_scale.Apply)], copied[batch.Levels.Count..^2], copied[^2], copied[^1]);
    }

    /// <summary>Returns a batch to the feed; one that was taken to a GPU, once its copy is over.</summary>
    public void Return(HostBatch batch)
    {
        if (_copies is null || _copying.LastOrDefault().Batch != batch)
        {
            batch.Dispose();
            return;
        }

        _copies.Used(_copying.Last().Place.Used);
        while (_copying.Count >= Places) // so the host is never more than two steps ahead of the device
        {
            _copies.Wait(_copying.Peek().Place.Copied);
            _copying.Dequeue().Batch.Dispose();
        }
    }

    public void Dispose()
    {
        _copies?.Finish();
        while (_copying.TryDequeue(out var last))
        {
            last.Batch.Dispose();
        }

        foreach (var place in _places)
        {
            place.Tensors.ForEach(t => t.Dispose());
            _copies!.Destroy(place.Copied);
            _copies.Destroy(place.Used);
        }

        _copies?.Dispose();
        _scale.Dispose();
    }

    private static (Array Data, ScalarType Type, long[] Shape)[] Arrays(HostBatch batch) =>
    [
        .. batch.Levels.Select(v => ((Array)v.Data, ScalarType.Byte, v.Shape)),
        .. batch.Audio.Select(v => ((Array)v.Data, ScalarType.Float32, v.Shape)),
        (batch.VideoNoise, ScalarType.Float32, [batch.Size, batch.VideoNoise.Length / batch.Size]),
        (batch.AudioNoise, ScalarType.Float32, [batch.Size, batch.AudioNoise.Length / batch.Size]),
    ];

    private static Tensor Copy(Array data, ScalarType type, long[] shape)
    {
        var own = empty(shape, type);
        MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(data), own.bytes.Length).CopyTo(own.bytes);
        return own;
    }

    private Tensor[] Begin(CopyStream copies, HostBatch batch, (Array Data, ScalarType Type, long[] Shape)[] arrays)
    {
        var place = _places[_taken++ % Places];
        if (!place.Tensors.Select(t => t.shape).SequenceEqual(arrays.Select(a => a.Shape), Shapes))
        {
            place.Tensors.ForEach(t => t.Dispose());
            place.Tensors.Clear();
            place.Tensors.AddRange(arrays.Select(a => empty(a.Shape, a.Type, _device).DetachFromDisposeScope()));
            copies.Used(place.Used); // memory of libtorch's may yet be read by kernels for whoever had it before
        }

        copies.Await(place.Used);
        foreach (var (array, tensor) in arrays.Zip(place.Tensors))
        {
            copies.Copy(array.Data, tensor);
        }

        copies.Copied(place.Copied);
        _copying.Enqueue((batch, place));
        return [.. place.Tensors.Select(t => t.alias())];
    }

    private static readonly EqualityComparer<long[]> Shapes = EqualityComparer<long[]>.Create((a, b) => a!.AsSpan().SequenceEqual(b), s => s.Length);

    private sealed record Place(nint Copied, nint Used)
    {
        public List<Tensor> Tensors { get; } = [];
    }
}

/// <summary>
/// Levels 0 … 255 to (level / 255 - mean) / std on a device, rounded as on the host. It divides by tensors: by a number of the host a GPU multiplies with its
/// reciprocal, which rounds twice.
/// </summary>
internal sealed class LevelScale(IEnumerable<float> mean, IEnumerable<float> std, Device device) : IDisposable
{
    private readonly Tensor _full = tensor([255f], device: device).DetachFromDisposeScope();
    private readonly Tensor _mean = tensor([.. mean], [1, 3, 1, 1, 1], device: device).DetachFromDisposeScope();
    private readonly Tensor _std = tensor([.. std], [1, 3, 1, 1, 1], device: device).DetachFromDisposeScope();

    /// <summary>uint8 [B, 3, T, H, W] to float32.</summary>
    public Tensor Apply(Tensor levels) => levels.to(ScalarType.Float32).div_(_full).sub_(_mean).div_(_std);

    public void Dispose()
    {
        _full.Dispose();
        _mean.Dispose();
        _std.Dispose();
    }
}
