using System.Runtime.InteropServices;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Onnx;

/// <summary>An ONNX graph that grows node by node. Values are named by what made them; a parameter that two modules share is stored once.</summary>
internal sealed class OnnxGraph
{
    /// <summary>The batch dimension, the only one that is not fixed.</summary>
    public const string Batch = "N";

    private readonly ProtoMessage _small = new();
    private readonly List<Initializer> _initializers = [];
    private readonly HashSet<string> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<Tensor, string> _weights = new(ReferenceEqualityComparer.Instance);
    private int _nodes;

    public OnnxGraph() => _small.Text(OnnxFields.Graph.Name, "xkd");

    /// <summary>An input [N, <paramref name="sizes"/>] of float32.</summary>
    public string Input(string name, params ReadOnlySpan<long> sizes)
    {
        _small.Message(OnnxFields.Graph.Input, Value(name, sizes));
        return name;
    }

    /// <summary>Makes a value [N, <paramref name="sizes"/>] of float32 an output of that name.</summary>
    public void Output(string name, string value, params ReadOnlySpan<long> sizes)
    {
        AddNode("Identity", [value], [name], []);
        _small.Message(OnnxFields.Graph.Output, Value(name, sizes));
    }

    /// <summary>Adds an operator and names its one result.</summary>
    public string Node(string op, IReadOnlyList<string> inputs, params IReadOnlyList<ProtoMessage> attributes) => Nodes(op, 1, inputs, attributes)[0];

    /// <summary>Adds an operator and names its results.</summary>
    public string[] Nodes(string op, int results, IReadOnlyList<string> inputs, params IReadOnlyList<ProtoMessage> attributes)
    {
        string[] outputs = [.. Enumerable.Range(0, results).Select(i => results == 1 ? $"{op}_{_nodes}" : $"{op}_{_nodes}_{i}")];
        AddNode(op, inputs, outputs, attributes);
        return outputs;
    }

    /// <summary>A parameter, or its transpose [inputs, outputs] as MatMul wants it. It is read when the file is written and must live until then.</summary>
    public string Weight(string name, Tensor parameter, bool transposed = false)
    {
        if (!_weights.TryGetValue(parameter, out var stored))
        {
            Constant(name, transposed ? parameter.t() : parameter);
            _weights.Add(parameter, stored = name);
        }

        return stored;
    }

    /// <summary>A tensor that the caller made for the graph; it must live until the file is written.</summary>
    public string Constant(string name, Tensor tensor)
    {
        Add(name, OnnxFields.Float32, tensor.shape, tensor.numel() * sizeof(float), () => Bytes(name, tensor));
        return name;
    }

    /// <summary>A constant of float32 values.</summary>
    public string Constant(string name, ReadOnlyMemory<float> values, params long[] shape)
    {
        Add(name, OnnxFields.Float32, shape, values.Length * (long)sizeof(float), () => MemoryMarshal.AsBytes(values.Span).ToArray());
        return name;
    }

    /// <summary>A vector of integers, such as a shape; equal ones are stored once.</summary>
    public string Integers(params long[] values)
    {
        var name = $"integers_{string.Join('_', values)}";
        if (_constants.Add(name))
        {
            Add(name, OnnxFields.Int64, [values.Length], values.Length * (long)sizeof(long), () => MemoryMarshal.AsBytes<long>(values).ToArray());
        }

        return name;
    }

    /// <summary>A number without dimensions; equal ones are stored once.</summary>
    public string Number(float value)
    {
        var name = $"number_{value:R}";
        return _constants.Add(name) ? Constant(name, new float[] { value }.AsMemory()) : name;
    }

    public static ProtoMessage Attribute(string name, long value) => new ProtoMessage().Text(OnnxFields.Attribute.Name, name)
        .Integer(OnnxFields.Attribute.Integer, value).Integer(OnnxFields.Attribute.Type, OnnxFields.Attribute.OfInteger);

    public static ProtoMessage Attribute(string name, double value) => new ProtoMessage().Text(OnnxFields.Attribute.Name, name)
        .Number(OnnxFields.Attribute.Float, (float)value).Integer(OnnxFields.Attribute.Type, OnnxFields.Attribute.OfFloat);

    public static ProtoMessage Attribute(string name, long[] values) => new ProtoMessage().Text(OnnxFields.Attribute.Name, name)
        .Integers(OnnxFields.Attribute.Integers, values).Integer(OnnxFields.Attribute.Type, OnnxFields.Attribute.OfIntegers);

    /// <summary>Writes the model: what stands before its graph in <paramref name="model"/>, then the graph. One tensor at a time is copied.</summary>
    /// <exception cref="UsageException">The model is 2 GiB or more, which protobuf cannot hold.</exception>
    public void Write(Stream stream, ProtoMessage model)
    {
        var length = _initializers.Aggregate((long)_small.Bytes.Length, (sum, tensor) => checked(sum + tensor.FieldBytes));
        if (length + model.Bytes.Length >= int.MaxValue)
        {
            throw new UsageException($"the model takes {length + model.Bytes.Length} bytes and an ONNX file holds less than {int.MaxValue}; "
                + "export each encoder to a file of its own");
        }

        stream.Write(model.Open(OnnxFields.Model.Graph, (int)length).Bytes.Span);
        stream.Write(_small.Bytes.Span);
        foreach (var tensor in _initializers)
        {
            tensor.Write(stream);
        }
    }

    private void Add(string name, int type, long[] shape, long bytes, Func<ReadOnlyMemory<byte>> data) =>
        _initializers.Add(new Initializer(name, type, shape, bytes, data));

    private static ReadOnlyMemory<byte> Bytes(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return TensorBytes.Copy(name, tensor.to(ScalarType.Float32)).Data;
    }

    private void AddNode(string op, IReadOnlyList<string> inputs, string[] outputs, IReadOnlyList<ProtoMessage> attributes)
    {
        var node = new ProtoMessage().Texts(OnnxFields.Node.Input, inputs).Texts(OnnxFields.Node.Output, outputs)
            .Text(OnnxFields.Node.Name, $"{op}_{_nodes++}").Text(OnnxFields.Node.Operator, op);
        foreach (var attribute in attributes)
        {
            node.Message(OnnxFields.Node.Attribute, attribute);
        }

        _small.Message(OnnxFields.Graph.Node, node);
    }

    private static ProtoMessage Value(string name, ReadOnlySpan<long> sizes)
    {
        var shape = new ProtoMessage().Message(OnnxFields.Value.Dimension, new ProtoMessage().Text(OnnxFields.Value.Symbol, Batch));
        foreach (var size in sizes)
        {
            shape.Message(OnnxFields.Value.Dimension, new ProtoMessage().Integer(OnnxFields.Value.Size, size));
        }

        var tensor = new ProtoMessage().Integer(OnnxFields.Value.ElementType, OnnxFields.Float32).Message(OnnxFields.Value.Shape, shape);
        return new ProtoMessage().Text(OnnxFields.Value.Name, name)
            .Message(OnnxFields.Value.Type, new ProtoMessage().Message(OnnxFields.Value.TensorType, tensor));
    }

    // Its values are asked for when they are written.
    private sealed record Initializer(string Name, int Type, long[] Shape, long DataBytes, Func<ReadOnlyMemory<byte>> Data)
    {
        public long FieldBytes
        {
            get
            {
                var message = Message().Bytes.Length + DataBytes;
                return message < int.MaxValue
                    ? ProtoMessage.OpenBytes(OnnxFields.Graph.Initializer, (int)message) + message
                    : throw new UsageException($"{Name} [{string.Join(", ", Shape)}] takes {DataBytes} bytes and an ONNX file holds less than {int.MaxValue}");
            }
        }

        public void Write(Stream stream)
        {
            var message = Message().Bytes;
            stream.Write(new ProtoMessage().Open(OnnxFields.Graph.Initializer, message.Length + (int)DataBytes).Bytes.Span);
            stream.Write(message.Span);
            stream.Write(Data().Span);
        }

        // All but the data, whose length it ends in.
        private ProtoMessage Message() => new ProtoMessage().Integers(OnnxFields.Tensor.Dimensions, Shape).Integer(OnnxFields.Tensor.ElementType, Type)
            .Text(OnnxFields.Tensor.Name, Name).Open(OnnxFields.Tensor.RawData, checked((int)Math.Min(DataBytes, int.MaxValue)));
    }
}
