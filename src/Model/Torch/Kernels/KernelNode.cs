using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// A node of libtorch's graph whose backward is a method of ours. TorchSharp's own <c>autograd.Function</c> keeps an empty copy of every output and leaves what
/// passes through it to the finalizer; on a GPU that is a third of the activations. This one keeps what it is given until backward has used it, and no longer.
/// </summary>
internal sealed unsafe class KernelNode
{
    private static readonly Stack<KernelNode> Free = [];
    private static readonly List<KernelNode> All = []; // libtorch calls those in use, and the collector knows nothing of that
    private static readonly Lazy<Functions> Native = new(static () => new Functions());
    private static volatile ExceptionDispatchInfo? failure;

    // What the last backward on this thread returned: libtorch takes its references after the call has returned.
    [ThreadStatic]
    private static Tensor?[]? returned;

    [ThreadStatic]
    private static nint[]? outputs;

    // Nodes are used again and never collected, so that these hold for as long as the process lives.
    private readonly ApplyFunction _apply;
    private readonly DeleteFunction _delete;
    private readonly nint _applyPointer, _deletePointer;
    private readonly nint* _gradients = (nint*)NativeMemory.AllocZeroed(MostTensors, (nuint)sizeof(nint));
    private Tensor[] _saved = [];
    private Backward? _backward;
    private int _inputs;

    private KernelNode()
    {
        (_apply, _delete) = (Apply, Delete);
        (_applyPointer, _deletePointer) = (Marshal.GetFunctionPointerForDelegate(_apply), Marshal.GetFunctionPointerForDelegate(_delete));
    }

    /// <summary>Gradients of the inputs by those of the outputs; null stands for zeros in both.</summary>
    /// <param name="gradients">Of the outputs, in their order; contiguous.</param>
    /// <param name="saved">What was kept.</param>
    internal delegate Tensor?[] Backward(Tensor?[] gradients, Tensor[] saved);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate TensorArray ApplyFunction(nint* tensors, int count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DeleteFunction();

    private const int MostTensors = 8;

    /// <summary>Makes computed tensors part of the graph, where gradients are wanted.</summary>
    /// <param name="inputs">What they were computed from and may need gradients.</param>
    /// <param name="computed">The outputs, new ones; they are disposed of, and their successors returned.</param>
    /// <param name="saved">What backward needs; kept by other handles, so these may be disposed of.</param>
    /// <param name="backward">Called once at most, on a thread of libtorch's.</param>
    public static Tensor[] Record(Tensor[] inputs, Tensor[] computed, Tensor[] saved, Backward backward)
    {
        if (!is_grad_enabled() || !inputs.Any(static input => input.requires_grad))
        {
            return computed;
        }

        KernelNode node;
        lock (Free)
        {
            if (!Free.TryPop(out node!))
            {
                All.Add(node = new KernelNode());
            }
        }

        node._inputs = inputs.Length;
        (node._saved, node._backward) = ([.. saved.Select(static tensor => tensor.detach().DetachFromDisposeScope())], backward); // an output itself would hold its own node
        var native = Native.Value;
        var pair = native.Construct(node._applyPointer, node._deletePointer);
        fixed (nint* from = inputs.Select(static input => input.Handle).ToArray(), to = computed.Select(static output => output.Handle).ToArray())
        {
            native.SetNextEdges(pair, new TensorArray(from, inputs.Length), 1);
            native.ClearInputMetadata(pair);
            native.WrapOutputs(new TensorArray(from, inputs.Length), default, default, new TensorArray(to, computed.Length), pair, &Allocate);
        }

        native.DisposeShared(pair); // the outputs hold it from here on
        native.DisposeWeak(pair);
        native.Check();
        Tensor[] recorded = [.. outputs!.Take(computed.Length).Select(Tensor.UnsafeCreateTensor)];
        Array.ForEach(computed, static output => output.Dispose());
        return recorded;
    }

    /// <summary>Throws what a backward threw since the last call: libtorch's threads cannot.</summary>
    public static void ThrowIfFailed() => Interlocked.Exchange(ref failure, null)?.Throw();

    private TensorArray Apply(nint* tensors, int count)
    {
        Array.ForEach(returned ?? [], static tensor => tensor?.Dispose());
        returned = null;
        try
        {
            using var scope = NewDisposeScope();
            using var unrecorded = no_grad();
            var gradients = new Tensor?[count];
            for (var i = 0; i < count; i++)
            {
                gradients[i] = tensors[i] == 0 ? null : Tensor.UnsafeCreateTensor(tensors[i]).contiguous();
            }

            var found = (_backward ?? throw new InvalidOperationException("backward ran twice over one graph"))(gradients, _saved);
            Array.ForEach(found, static gradient => gradient?.DetachFromDisposeScope());
            returned = found;
            for (var i = 0; i < _inputs; i++)
            {
                _gradients[i] = found[i]?.Handle ?? 0;
            }
        }
        catch (Exception e) // carried to the thread that called backward
        {
            failure ??= ExceptionDispatchInfo.Capture(e);
            new Span<nint>(_gradients, _inputs).Clear(); // zeros, until it is thrown there
        }

        Forget();
        return new TensorArray(_gradients, _inputs);
    }

    private void Delete()
    {
        Forget();
        lock (Free)
        {
            Free.Push(this);
        }
    }

    private void Forget()
    {
        Array.ForEach(_saved, static tensor => tensor.Dispose());
        (_saved, _backward) = ([], null);
    }

    [UnmanagedCallersOnly]
    private static nint* Allocate(nuint count)
    {
        outputs ??= GC.AllocateArray<nint>(MostTensors, pinned: true);
        return (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(outputs, 0);
    }

    // A node as the binding names it: addresses of a shared and of a weak pointer.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct NodePair
    {
        private readonly nint _shared, _weak;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TensorArray(nint* tensors, long count)
    {
        private readonly nint* _tensors = tensors;
        private readonly long _count = count;
    }

    // What the binding exports for TorchSharp's own Function.
    private sealed class Functions
    {
        public readonly delegate* unmanaged<nint, nint, NodePair> Construct = (delegate* unmanaged<nint, nint, NodePair>)Export("THSAutograd_CSharpNode_ctor");
        public readonly delegate* unmanaged<NodePair, TensorArray, byte, void> SetNextEdges =
            (delegate* unmanaged<NodePair, TensorArray, byte, void>)Export("THSAutograd_CSharpNode_setNextEdges");

        public readonly delegate* unmanaged<NodePair, void> ClearInputMetadata = (delegate* unmanaged<NodePair, void>)Export("THSAutograd_CSharpNode_clearInputMetadata");
        public readonly delegate* unmanaged<NodePair, void> DisposeShared = (delegate* unmanaged<NodePair, void>)Export("THSAutograd_CSharpNode_disposeSharedPtr");
        public readonly delegate* unmanaged<NodePair, void> DisposeWeak = (delegate* unmanaged<NodePair, void>)Export("THSAutograd_CSharpNode_disposeWeakPtr");
        public readonly delegate* unmanaged<TensorArray, TensorArray, TensorArray, TensorArray, NodePair, delegate* unmanaged<nuint, nint*>, void> WrapOutputs =
            (delegate* unmanaged<TensorArray, TensorArray, TensorArray, TensorArray, NodePair, delegate* unmanaged<nuint, nint*>, void>)Export("THSAutograd_Function_wrapOutputs");

        private readonly delegate* unmanaged<byte*> _lastError = (delegate* unmanaged<byte*>)Export("THSTorch_get_and_reset_last_err");

        public void Check()
        {
            if (_lastError() is var error && error != null)
            {
                throw new FailureException($"libtorch refused a node of its graph: {Marshal.PtrToStringUTF8((nint)error)}; train.kernels=plain does without");
            }
        }

        private static nint Export(string name) => NativeLibrary.GetExport(LibTorch.Binding, name);
    }
}
