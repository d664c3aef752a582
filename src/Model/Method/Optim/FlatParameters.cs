using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// All that the optimizer touches, in one buffer of values and one of gradients; the modules' parameters become views of them. The order is
/// [video student | blocks both students share | audio student | decoders], so that each student, shared blocks included, is one contiguous range: clipping
/// and moving averages work on ranges, AdamW on runs of equal treatment within them.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    /// <summary>Every parameter starts on a multiple of this many values: whole cache lines on the CPU, vector loads on the GPU, and rows to sum over.</summary>
    public const long RowLength = 64;

    private const string LastLayer = "last_layer";

    public FlatParameters(XkdModel model)
    {
        var named = StateNames.Parameters(model);
        var names = named.ToDictionary(entry => entry.Value, entry => entry.Name, ReferenceComparer);
        var video = Set(model.VideoStudent);
        var audio = Set(model.AudioStudent);
        var students = named.Where(entry => video.Contains(entry.Value) || audio.Contains(entry.Value)).ToList();
        var decoders = StateNames.Parameters(model.VideoAutoencoder).Concat(StateNames.Parameters(model.AudioAutoencoder))
            .Where(entry => !video.Contains(entry.Value) && !audio.Contains(entry.Value)).Select(entry => (Name: names[entry.Value], entry.Value)).ToList();

        var slots = new List<FlatSlot>();
        long offset = 0;
        long Place(IEnumerable<(string Name, Parameter Value)> region)
        {
            foreach (var (name, parameter) in region.OrderBy(entry => KindOf(entry.Name, entry.Value))) // stable: within a kind the official order
            {
                var slot = new FlatSlot(name, parameter, offset, KindOf(name, parameter));
                slots.Add(slot);
                offset += slot.PaddedLength;
            }

            return offset;
        }

        var videoEnd = Place(students.Where(entry => !audio.Contains(entry.Value)));
        var sharedEnd = Place(students.Where(entry => video.Contains(entry.Value) && audio.Contains(entry.Value)));
        var audioEnd = Place(students.Where(entry => !video.Contains(entry.Value)));
        var end = Place(decoders);
        Slots = slots;
        Video = FlatRange.Between(0, sharedEnd);
        Audio = FlatRange.Between(videoEnd, audioEnd);
        AudioOwn = FlatRange.Between(sharedEnd, audioEnd);
        Students = FlatRange.Between(0, audioEnd);
        Decoders = FlatRange.Between(audioEnd, end);
        Named = named.Where(entry => entry.Value.requires_grad).ToList();
        Segments = Merge(slots);

        Values = zeros(end, device: model.Device).DetachFromDisposeScope();
        Gradients = zeros(end, device: model.Device).DetachFromDisposeScope();
        using var unrecorded = no_grad();
        foreach (var slot in slots)
        {
            View(Values, slot.Parameter, slot.Offset, gradient: false);
            if (slot.Kind != SlotKind.Untrained)
            {
                View(Gradients, slot.Parameter, slot.Offset, gradient: true);
            }
        }
    }

    /// <summary>[total] float32.</summary>
    public Tensor Values { get; }

    /// <summary>[total] float32; zero in the padding and for what is not trained.</summary>
    public Tensor Gradients { get; }

    public IReadOnlyList<FlatSlot> Slots { get; }

    /// <summary>Trained parameters in the official order.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> Named { get; }

    public IReadOnlyList<FlatSegment> Segments { get; }

    /// <summary>The video student, blocks shared with audio included.</summary>
    public FlatRange Video { get; }

    /// <summary>The audio student, blocks shared with video included.</summary>
    public FlatRange Audio { get; }

    /// <summary>The audio student without shared blocks.</summary>
    public FlatRange AudioOwn { get; }

    /// <summary>Both students.</summary>
    public FlatRange Students { get; }

    /// <summary>Both decoders with their projections, mask tokens and position tables.</summary>
    public FlatRange Decoders { get; }

    /// <summary>What clipping visits, in order. Blocks both students share are visited twice, as in the reference: the second visit scales by at most 3e-6.</summary>
    public IReadOnlyList<FlatRange> Clipped(OptimSection options) => (options.ClipGrad > 0, options.ClipDecoder) switch
    {
        (false, _) => [],
        (true, false) => [Video, Audio],
        (true, true) => [Video, Audio, Decoders],
    };

    // A tensor's own equality compares values.
    private static IEqualityComparer<Parameter> ReferenceComparer { get; } = EqualityComparer<Parameter>.Create(ReferenceEquals, System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode);

    /// <summary>Biases and one-dimensional parameters are not decayed; tokens and position tables are (they have three dimensions).</summary>
    public static bool IsDecayed(string name, Parameter parameter) => parameter.dim() > 1 && !name.EndsWith(".bias", StringComparison.Ordinal);

    /// <summary>Lets a parameter, or its gradient, live in a flat buffer; a parameter's values are carried over.</summary>
    public static void View(Tensor buffer, Parameter parameter, long offset, bool gradient)
    {
        using var scope = NewDisposeScope();
        var view = buffer.narrow(0, offset, parameter.numel()).view(parameter.shape);
        if (gradient)
        {
            parameter.grad = view;
            return;
        }

        view.copy_(parameter);
        parameter.set_(view);
    }

    public void Dispose()
    {
        Values.Dispose();
        Gradients.Dispose();
    }

    private static HashSet<Parameter> Set(Branch branch) => new(StateNames.Parameters(branch).Select(entry => entry.Value), ReferenceComparer);

    private static SlotKind KindOf(string name, Parameter parameter) => (parameter.requires_grad, name.Contains(LastLayer, StringComparison.Ordinal), IsDecayed(name, parameter)) switch
    {
        (false, _, _) => SlotKind.Untrained,
        (_, true, true) => SlotKind.LastLayerDecayed,
        (_, true, false) => SlotKind.LastLayerUndecayed,
        (_, false, true) => SlotKind.Decayed,
        _ => SlotKind.Undecayed,
    };

    private static List<FlatSegment> Merge(IEnumerable<FlatSlot> slots)
    {
        var segments = new List<FlatSegment>();
        foreach (var slot in slots.Where(slot => slot.Kind != SlotKind.Untrained))
        {
            var decayed = slot.Kind is SlotKind.Decayed or SlotKind.LastLayerDecayed;
            var lastLayer = slot.Kind is SlotKind.LastLayerDecayed or SlotKind.LastLayerUndecayed;
            if (segments.Count > 0 && segments[^1] is var last && last.Range.End == slot.Offset && last.Decayed == decayed && last.LastLayer == lastLayer)
            {
                segments[^1] = last with { Range = last.Range with { Length = last.Range.Length + slot.PaddedLength } };
            }
            else
            {
                segments.Add(new FlatSegment(new FlatRange(slot.Offset, slot.PaddedLength), decayed, lastLayer));
            }
        }

        return segments;
    }
}

/// <summary>A contiguous range of the flat buffers.</summary>
internal readonly record struct FlatRange(long Offset, long Length)
{
    public long End => Offset + Length;

    public static FlatRange Between(long start, long end) => new(start, end - start);

    /// <summary>Whether a parameter at this offset lies in the range.</summary>
    public bool Holds(long offset) => offset >= Offset && offset < End;
}

/// <summary>A run of the flat buffers that is treated alike.</summary>
/// <param name="Range">Padding included.</param>
/// <param name="Decayed">Weight decay applies.</param>
/// <param name="LastLayer">Belongs to a projector's last layer, which can be frozen.</param>
internal sealed record FlatSegment(FlatRange Range, bool Decayed, bool LastLayer);

/// <summary>Where a parameter lies in the flat buffers.</summary>
/// <param name="Name">First official name.</param>
/// <param name="Parameter">The module's parameter.</param>
/// <param name="Offset">First value.</param>
/// <param name="Kind">How the optimizer treats it.</param>
internal sealed record FlatSlot(string Name, Parameter Parameter, long Offset, SlotKind Kind)
{
    public long Length => Parameter.numel();

    public long Rows => (Length + FlatParameters.RowLength - 1) / FlatParameters.RowLength;

    public long PaddedLength => Rows * FlatParameters.RowLength;
}

/// <summary>How the optimizer treats a parameter; also the order of the kinds within a region.</summary>
internal enum SlotKind
{
    Decayed,
    Undecayed,
    LastLayerDecayed,
    LastLayerUndecayed,

    /// <summary>Not trained, yet followed by the teacher: a projector's fixed magnitudes.</summary>
    Untrained,
}
